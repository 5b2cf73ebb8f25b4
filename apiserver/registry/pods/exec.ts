import type { Pod } from "../../../machinery/api/core-v1.js";
import {
  type HttpResponse,
  UpgradeRefused,
  type Upgraded,
  type UpgradeRequest,
} from "../../../machinery/api/http.js";
import { resource } from "../../../machinery/api/resource.js";
import { newBadRequest } from "../../../machinery/api/status.js";
import { joinStreams } from "../message-relay.js";
import { kubeletRefusal } from "../kubelet-answers.js";
import type { ActionCall, Subresource } from "../serve.js";
import { chooseContainer } from "./container-choice.js";
import { kubeletPath, unreachableKubelet } from "./kubelet-path.js";

/** Before the name of a protocol whose SPDY frames come inside a WebSocket (KEP-4006); to the kubelet they go bare. */
const TUNNEL = "SPDY/3.1+";
const VERBS = ["create", "get"];

/** A subresource that becomes a stream of messages between the client and the pod's kubelet. */
const streaming = (kind: string, path: (call: ActionCall<Pod>) => string): Subresource<Pod> => ({
  kind: "action",
  descriptor: resource("v1", kind, { plural: "pods" }),
  verbs: VERBS,
  async handle(call) {
    // kubectl tries again without a WebSocket and shows only this answer: what is wrong with the pod comes first.
    path(call);
    throw newBadRequest("Upgrade request required");
  },
  upgrade: (call, upgrade) => relay(call, upgrade, path(call)),
});

export const podExec = streaming("PodExecOptions", (call) => streamPath("exec", call));
export const podAttach = streaming("PodAttachOptions", (call) => streamPath("attach", call));
export const podPortForward = streaming("PodPortForwardOptions", (call) => {
  requireHost(call.object);
  return kubeletPath("portForward", call.object, undefined, call.query.toString());
});

function streamPath(verb: "exec" | "attach", { object: pod, query }: ActionCall<Pod>): string {
  if (verb === "exec" && (pod.status.phase === "Succeeded" || pod.status.phase === "Failed"))
    throw newBadRequest(
      `cannot exec into a container in a completed pod; current phase is ${pod.status.phase}`,
    );
  const container = chooseContainer(query.get("container") ?? "", pod);
  requireHost(pod);
  return kubeletPath(verb, pod, container, kubeletQuery(query));
}

function requireHost(pod: Pod): void {
  if (!pod.spec.nodeName) throw newBadRequest(`pod ${pod.metadata.name} does not have a host assigned`);
}

/** The kubelet has its own names for the streams. */
const STREAMS = { stdin: "input", stdout: "output", stderr: "error", tty: "tty" };

function kubeletQuery(query: URLSearchParams): string {
  const passed = new URLSearchParams();
  for (const command of query.getAll("command")) passed.append("command", command);
  for (const [name, kubeletName] of Object.entries(STREAMS)) {
    const value = query.get(name);
    if (value !== null && value !== "false" && value !== "0") passed.set(kubeletName, "1");
  }
  return passed.toString();
}

async function relay(
  call: ActionCall<Pod>,
  upgrade: UpgradeRequest,
  path: string,
): Promise<HttpResponse | undefined> {
  const upgraded = await dial(call, upgrade, path);
  const client = upgrade.accept(upgraded.protocol);
  await joinStreams(client, upgraded.stream, call.signal);
  return undefined;
}

async function dial(call: ActionCall<Pod>, upgrade: UpgradeRequest, path: string): Promise<Upgraded> {
  const kubelet = call.kubelets.to(call.object.spec.nodeName ?? "");
  const tunnelled = upgrade.protocols.filter((protocol) => protocol.startsWith(TUNNEL));
  const isTunnel = upgrade.kind === "websocket" && tunnelled.length > 0;
  const headers: Record<string, string> =
    isTunnel || upgrade.kind === "SPDY/3.1" ? { upgrade: "SPDY/3.1" } : {};
  const protocols = isTunnel ? tunnelled.map((protocol) => protocol.slice(TUNNEL.length)) : upgrade.protocols;
  try {
    const upgraded = await kubelet.upgrade({ method: "POST", path, headers }, protocols, call.signal);
    return isTunnel ? { ...upgraded, protocol: `${TUNNEL}${upgraded.protocol}` } : upgraded;
  } catch (err) {
    if (err instanceof UpgradeRefused) throw await kubeletRefusal(err.response, "pods", call.name);
    throw unreachableKubelet(call, "Post", path, err);
  }
}
