import { type Deployment, deployments } from "../../machinery/api/apps-v1.js";
import { toTime } from "../../machinery/api/clock.js";
import { configMaps, pods, services } from "../../machinery/api/core-v1.js";
import { newInternalError } from "../../machinery/api/status.js";
import { TransportError } from "../../machinery/api/http.js";
import type { RestClient } from "../../machinery/client/rest-client.js";
import { sendSignal } from "../../machinery/runtime/host.js";
import type { CliContext } from "../command.js";
import type { ClusterDir } from "../supervisor/cluster.js";
import type { ClusterStatus } from "../supervisor/supervisor.js";
import type { ConvergenceWatch } from "./convergence.js";

export interface Stage {
  client: RestClient;
  convergence: ConvergenceWatch;
  context: CliContext;
  dir: ClusterDir;
  status(): Promise<ClusterStatus>;
  /** Prints one line of the story. */
  say(line: string): void;
}

/** One act: what is done, and what is seen. Throws when the story does not go as told. */
export interface Act {
  title: string;
  play(stage: Stage): Promise<void>;
}

const WEB = { namespace: "default", name: "web" };
const SELECTOR = "app=web";
const POLL_MS = 20;

export const acts: readonly Act[] = [
  { title: "Delete every pod, one after another", play: deleteEveryPod },
  { title: "Restart the Deployment (rolling update)", play: restart },
  { title: "Take the label off one pod, then put it back", play: flipLabel },
  { title: "Scale 3 → 10 → 1 → 3", play: scaleUpAndDown },
  { title: "kill -9 the API server", play: killApiServer },
  { title: "kill -9 the proxy", play: killProxy },
];

const ms = (value: number): string =>
  value < 1000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`;

async function webPods({ client }: Stage) {
  const { items } = await client.list(pods, { namespace: WEB.namespace, labelSelector: SELECTOR });
  return items.filter(({ metadata }) => !metadata.deletionTimestamp);
}

const isSettled = (stage: Stage) => async (): Promise<boolean> => {
  const { metadata, spec, status }: Deployment = await stage.client.get(deployments, WEB);
  return (
    (status.observedGeneration ?? 0) >= (metadata.generation ?? 0) &&
    status.updatedReplicas === spec.replicas &&
    status.replicas === spec.replicas &&
    status.availableReplicas === spec.replicas
  );
};

async function deleteEveryPod(stage: Stage): Promise<void> {
  for (const { metadata, status } of await webPods(stage)) {
    const before = new Set((await webPods(stage)).map((pod) => pod.metadata.name));
    await stage.client.delete(pods, { namespace: WEB.namespace, name: metadata.name });
    const tookMs = await stage.convergence.until(3, isSettled(stage));
    const fresh = (await webPods(stage)).find((pod) => !before.has(pod.metadata.name));
    stage.say(
      `${metadata.name} (${status.podIP ?? "?"}) gone, ${fresh?.metadata.name ?? "?"} (${fresh?.status.podIP ?? "?"}) in its place: endpoints and all tables agree after ${ms(tookMs)}`,
    );
  }
}

async function restart(stage: Stage): Promise<void> {
  const before = new Set((await webPods(stage)).map(({ metadata }) => metadata.name));
  const annotations = { "kubectl.kubernetes.io/restartedAt": toTime(stage.context.clock.nowMs()) };
  await stage.client.patch(deployments, WEB, {
    type: "strategic",
    body: { spec: { template: { metadata: { annotations } } } },
  });
  const tookMs = await stage.convergence.until(3, isSettled(stage));
  const kept = (await webPods(stage)).filter(({ metadata }) => before.has(metadata.name));
  if (kept.length > 0) throw newInternalError("the rollout kept an old pod");
  stage.say(`three new pods with new names and IPs after ${ms(tookMs)}`);
}

async function flipLabel(stage: Stage): Promise<void> {
  const [pod] = await webPods(stage);
  if (!pod) throw newInternalError("there is no pod to relabel");
  const at = { namespace: WEB.namespace, name: pod.metadata.name };
  const label = (value: string | null) =>
    stage.client.patch(pods, at, { type: "merge", body: { metadata: { labels: { app: value } } } });
  await label("elsewhere");
  const outMs = await stage.convergence.until(3, isSettled(stage));
  const view = await stage.convergence.view();
  if (view.pods.includes(pod.status.podIP ?? ""))
    throw newInternalError("the relabelled pod is still an endpoint");
  stage.say(
    `${at.name} left the Service and a new pod took its place after ${ms(outMs)}; it still runs, unreached`,
  );
  await label("web");
  const backMs = await stage.convergence.until(3, isSettled(stage));
  stage.say(`the label is back: the ReplicaSet adopts it and removes one of four after ${ms(backMs)}`);
}

async function scaleUpAndDown(stage: Stage): Promise<void> {
  for (const replicas of [10, 1, 3]) {
    await stage.client.patch(
      deployments,
      WEB,
      { type: "merge", body: { spec: { replicas } } },
      { subresource: "scale" },
    );
    const tookMs = await stage.convergence.until(replicas, isSettled(stage));
    stage.say(`${replicas} ready, endpoints and all tables agree after ${ms(tookMs)}`);
  }
}

/** Writes until the moment it is killed; everything that was acknowledged must still be there. */
async function killApiServer(stage: Stage): Promise<void> {
  const { client, context } = stage;
  const clusterIP = (await client.get(services, WEB)).spec.clusterIP;
  const pid = (await stage.status()).processes.find(({ name }) => name === "apiserver")?.pid ?? 0;
  const acknowledged: string[] = [];
  const write = async (i: number): Promise<void> => {
    const name = `witness-${i}`;
    await client.create(configMaps, { metadata: { name, namespace: WEB.namespace }, data: { i: String(i) } });
    acknowledged.push(name);
  };
  const writes = Array.from({ length: 200 }, (_, i) => write(i).catch(ignoreTransport));
  while (acknowledged.length < 20) await context.clock.sleep(1, context.signal);
  sendSignal(pid, "SIGKILL");
  const killedMs = context.clock.monotonicMs();
  await Promise.all(writes);
  await untilAnswers(stage);
  const backMs = context.clock.monotonicMs() - killedMs;
  const { items } = await client.list(configMaps, { namespace: WEB.namespace });
  const names = new Set(items.map(({ metadata }) => metadata.name));
  const lost = acknowledged.filter((name) => !names.has(name));
  if (lost.length > 0) throw newInternalError(`acknowledged writes were lost: ${lost.join(", ")}`);
  if ((await client.get(services, WEB)).spec.clusterIP !== clusterIP)
    throw newInternalError("the ClusterIP changed");
  stage.say(
    `it answers again after ${ms(backMs)}; all ${acknowledged.length} acknowledged writes are there, web is still ${clusterIP}`,
  );
  await client.patch(
    deployments,
    WEB,
    { type: "merge", body: { spec: { replicas: 4 } } },
    { subresource: "scale" },
  );
  const followedMs = await stage.convergence.until(4, isSettled(stage));
  await client.patch(
    deployments,
    WEB,
    { type: "merge", body: { spec: { replicas: 3 } } },
    { subresource: "scale" },
  );
  await stage.convergence.until(3, isSettled(stage));
  stage.say(`every watch resumed: a scale to 4 reached all tables after ${ms(followedMs)}`);
}

const ignoreTransport = (err: unknown): void => {
  if (!(err instanceof TransportError)) throw err;
};

async function untilAnswers({ client, context }: Stage): Promise<void> {
  for (;;) {
    try {
      await client.get(services, WEB);
      return;
    } catch (err) {
      ignoreTransport(err);
      await context.clock.sleep(POLL_MS, context.signal);
    }
  }
}

/** Tables and flows are the data plane's: they stand while nobody programs them. */
async function killProxy(stage: Stage): Promise<void> {
  const pid = (await stage.status()).processes.find(({ name }) => name === "proxy")?.pid ?? 0;
  sendSignal(pid, "SIGKILL");
  const view = await stage.convergence.view();
  const standing = [...view.tables.values()].filter((backends) => backends.length > 0).length;
  const [victim] = await webPods(stage);
  if (victim) await stage.client.delete(pods, { namespace: WEB.namespace, name: victim.metadata.name });
  const tookMs = await stage.convergence.until(3, isSettled(stage));
  stage.say(`${standing} tables stood without it; restarted, it had them right again after ${ms(tookMs)}`);
}
