import type { Clock } from "../../machinery/api/clock.js";
import type { HttpHandler, HttpRequest, HttpResponse, UpgradeRequest } from "../../machinery/api/http.js";
import type { AttachSession, Container, ExecSession } from "../container-runtime.js";
import type { ContainerRecord } from "../pods/container-record.js";
import type { PodWorker } from "../pods/pod-worker.js";
import type { PodWorkers } from "../pods/pod-workers.js";
import { parseLogOptions, readContainerLog } from "./container-logs.js";
import { PORT_FORWARD_PROTOCOL, portForward } from "./port-forward.js";
import { acceptStreams, negotiate } from "./remote-streams.js";
import { Refused } from "./refused.js";
import { carryStreams, failureStatus, type StreamRequest } from "./stream-session.js";

export interface KubeletServerOptions {
  clock: Clock;
  /** Undefined while the node is starting. */
  pods: () => PodWorkers | undefined;
}

interface Target {
  worker: PodWorker;
  record: ContainerRecord;
}

// Upstream: pkg/kubelet/server/server.go.
/** The kubelet's own HTTP API: logs, exec, attach, pods, health. The API server is its only client. */
export class KubeletServer implements HttpHandler {
  readonly #options: KubeletServerOptions;

  constructor(options: KubeletServerOptions) {
    this.#options = options;
  }

  async request(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    this.#checkUp();
    const { path, query, parts } = parsePath(request.path);
    try {
      if (path === "/healthz" || path === "/healthz/ping") return text(200, "ok");
      if (path === "/pods" || path === "/runningpods/") return this.#podList();
      if (path === "/metrics") return text(200, this.#metrics());
      if (parts[0] === "containerLogs") return this.#logs(parts, query, signal);
      if (parts[0] === "exec" || parts[0] === "attach")
        throw new Refused(400, "you must specify at least 1 of stdin, stdout, stderr");
      return text(404, "404 page not found\n");
    } catch (err) {
      if (err instanceof Refused) return err.answer;
      throw err;
    }
  }

  async upgrade(
    request: HttpRequest,
    upgrade: UpgradeRequest,
    signal: AbortSignal,
  ): Promise<HttpResponse | undefined> {
    this.#checkUp();
    const { query, parts } = parsePath(request.path);
    try {
      if (parts[0] === "exec") return await this.#exec(parts, query, upgrade, signal);
      if (parts[0] === "attach") return await this.#attach(parts, query, upgrade, signal);
      if (parts[0] === "portForward") return await this.#portForward(parts, upgrade, signal);
      return text(404, "404 page not found\n");
    } catch (err) {
      if (err instanceof Refused) return err.answer;
      throw err;
    }
  }

  /** A node that is down answers nothing; over a network nobody would even be listening. */
  #checkUp(): void {
    if (!this.#options.pods()) throw new Error("the node is down");
  }

  #logs(parts: readonly string[], query: URLSearchParams, signal: AbortSignal): HttpResponse {
    const target = this.#find(parts);
    const container = logContainer(target, query.get("previous") === "true");
    const options = parseLogOptions(query, this.#options.clock.nowMs());
    return {
      status: 200,
      headers: { "content-type": "text/plain", "transfer-encoding": "chunked" },
      body: readContainerLog(container.log, options, signal),
    };
  }

  async #exec(
    parts: readonly string[],
    query: URLSearchParams,
    upgrade: UpgradeRequest,
    signal: AbortSignal,
  ): Promise<HttpResponse | undefined> {
    const { record } = this.#find(parts);
    const streams = streamRequest(query);
    const container = runningContainer(record);
    const client = await acceptStreams(upgrade, streams, this.#options.clock);
    if (!client) return undefined;
    let session: ExecSession;
    try {
      session = await container.exec({
        command: query.getAll("command"),
        stdin: streams.stdin,
        tty: streams.tty,
      });
    } catch (err) {
      const message = err instanceof Error ? err.message : String(err);
      await client.finish(failureStatus(`error executing command in container: ${message}`)).catch(() => {});
      return undefined;
    }
    const kill = (): void => session.kill();
    signal.addEventListener("abort", kill, { once: true });
    await carryStreams(client, streams, session, kill);
    signal.removeEventListener("abort", kill);
    return undefined;
  }

  async #attach(
    parts: readonly string[],
    query: URLSearchParams,
    upgrade: UpgradeRequest,
    signal: AbortSignal,
  ): Promise<HttpResponse | undefined> {
    const { worker, record } = this.#find(parts);
    const asked = streamRequest(query);
    // The container's own settings decide, as in the CRI: a terminal cannot be had afterwards.
    const streams = {
      ...asked,
      tty: record.spec.tty ?? false,
      stdin: asked.stdin && record.spec.stdin === true,
    };
    const container = attachable(worker, record);
    const client = await acceptStreams(upgrade, asked, this.#options.clock);
    if (!client) return undefined;
    record.attached = container;
    const session: AttachSession = container.attach({ stdin: streams.stdin });
    const detach = (): void => session.detach();
    signal.addEventListener("abort", detach, { once: true });
    // An attach succeeds whatever the program's exit code: told of a failure, kubectl would print the logs once more.
    const attached = { ...session, exited: session.exited.then(() => 0) };
    await carryStreams(client, streams, attached, detach);
    signal.removeEventListener("abort", detach);
    return undefined;
  }

  async #portForward(
    parts: readonly string[],
    upgrade: UpgradeRequest,
    signal: AbortSignal,
  ): Promise<HttpResponse | undefined> {
    const { sandbox, pod } = this.#findPod(parts);
    if (!sandbox)
      throw new Refused(
        500,
        `unable to do port forwarding: pod is not running. Current status=${pod.status.phase}`,
      );
    if (upgrade.kind !== "SPDY/3.1") throw new Refused(400, "unable to upgrade: unsupported subprotocol");
    const wire = upgrade.accept(
      negotiate(upgrade.protocols, [PORT_FORWARD_PROTOCOL]) ?? PORT_FORWARD_PROTOCOL,
    );
    await portForward(wire, sandbox, this.#options.clock, signal);
    return undefined;
  }

  #findPod([, namespace = "", podName = ""]: readonly string[]): PodWorker {
    const worker = this.#options.pods()?.get(namespace, podName);
    if (!worker) throw new Refused(404, `pod "${podName}" not found`);
    return worker;
  }

  #find(parts: readonly string[]): Target {
    // /exec/NAMESPACE/POD/CONTAINER, or with the pod's uid in between.
    const name = parts.length > 3 ? (parts.at(-1) ?? "") : "";
    const podName = parts[2] ?? "";
    const worker = this.#findPod(parts);
    const record = worker.find(name);
    if (!record) throw new Refused(404, `container "${name}" not found in pod "${podName}"`);
    return { worker, record };
  }

  #podList(): HttpResponse {
    const items = (this.#options.pods()?.list() ?? []).map(({ pod }) => pod);
    const body = { kind: "PodList", apiVersion: "v1", metadata: {}, items };
    return {
      status: 200,
      headers: { "content-type": "application/json" },
      body: Buffer.from(JSON.stringify(body)),
    };
  }

  #metrics(): string {
    const workers = this.#options.pods()?.list() ?? [];
    const running = workers.flatMap(({ containers }) =>
      containers.all.filter(({ current }) => current.kind === "running"),
    );
    return [
      "# HELP kubelet_running_pods [BETA] Number of pods that have a running pod sandbox",
      "# TYPE kubelet_running_pods gauge",
      `kubelet_running_pods ${workers.filter(({ sandbox }) => sandbox).length}`,
      "# HELP kubelet_running_containers [BETA] Number of containers currently running",
      "# TYPE kubelet_running_containers gauge",
      `kubelet_running_containers{container_state="running"} ${running.length}`,
      "",
    ].join("\n");
  }
}

function parsePath(target: string): { path: string; query: URLSearchParams; parts: string[] } {
  const url = new URL(target, "http://kubelet");
  const parts = url.pathname
    .split("/")
    .filter((part) => part !== "")
    .map(decodeURIComponent);
  return { path: url.pathname, query: url.searchParams, parts };
}

const text = (status: number, body: string): HttpResponse => ({
  status,
  headers: { "content-type": "text/plain; charset=utf-8" },
  body: Buffer.from(body),
});

/** Takes the kubelet's names (`input`) and the API's (`stdin`). */
function streamRequest(query: URLSearchParams): StreamRequest {
  const flag = (...names: string[]): boolean =>
    names.some((name) => ["1", "true"].includes(query.get(name) ?? ""));
  const request = {
    stdin: flag("input", "stdin"),
    stdout: flag("output", "stdout"),
    stderr: flag("error", "stderr"),
    tty: flag("tty"),
  };
  if (!request.stdin && !request.stdout && !request.stderr)
    throw new Refused(400, "you must specify at least 1 of stdin, stdout, stderr");
  return request;
}

function runningContainer(record: ContainerRecord): Container {
  if (record.current.kind !== "running" || !record.container)
    throw new Refused(500, `container not found ("${record.spec.name}")`);
  return record.container;
}

/** A running container, or an interactive one that ended before anyone had seen its output. */
function attachable(worker: PodWorker, record: ContainerRecord): Container {
  const { container } = record;
  if (!container) throw new Refused(500, `container not found ("${record.spec.name}")`);
  if (record.current.kind === "running") return container;
  if (record.spec.stdinOnce && record.attached !== container) return container;
  const { phase } = worker.pod.status;
  if (phase === "Succeeded" || phase === "Failed")
    throw new Refused(400, `cannot attach a container in a completed pod; current phase is ${phase}`);
  throw new Refused(500, `container not found ("${record.spec.name}")`);
}

function logContainer({ worker, record }: Target, previous: boolean): Container {
  const name = record.spec.name;
  const pod = worker.pod.metadata.name;
  if (previous) {
    const ended = record.current.kind === "waiting" ? record.container : record.previous;
    if (!ended) throw new Refused(400, `previous terminated container "${name}" in pod "${pod}" not found`);
    return ended;
  }
  if (record.container) return record.container;
  const waiting = record.current.kind === "waiting" ? record.current.reason : "ContainerCreating";
  const reason = waiting === "ErrImagePull" || waiting === "ImagePullBackOff" ? IMAGE_FAILURE : waiting;
  throw new Refused(400, `container "${name}" in pod "${pod}" is waiting to start: ${reason}`);
}

const IMAGE_FAILURE = "trying and failing to pull image";
