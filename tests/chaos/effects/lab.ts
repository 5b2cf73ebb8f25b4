import { faults } from "../../../chaos/faults.js";
import { withDefaults } from "../../../chaos/parameters.js";
import { runInPod } from "../../../chaos/pod-command.js";
import { newFaultSpec, newTarget } from "../../../chaos/scenario/defaults.js";
import type { ManifestSource, TargetSpec } from "../../../chaos/scenario/types.js";
import { readManifests } from "../../../cli/manifests.js";
import { deployments } from "../../../machinery/api/apps-v1.js";
import { type Event, events, type Pod, pods, services } from "../../../machinery/api/core-v1.js";
import type { RestClient } from "../../../machinery/client/rest-client.js";
import { simulatedAccess } from "../../../simulation/cluster-access.js";
import { SimulatedCluster, type SimulationOptions } from "../../../simulation/cluster.js";

export interface LabOptions extends Partial<SimulationOptions> {
  manifests?: readonly ManifestSource[];
  /** With cluster DNS. */
  dns?: boolean;
}

export interface Injected {
  target: unknown;
  heal(): Promise<void>;
}

/** A small simulated cluster for one test, and the faults of the catalogue by name. */
export class Lab {
  readonly cluster: SimulatedCluster;
  readonly client: RestClient;
  readonly #access: ReturnType<typeof simulatedAccess>;
  #injections = 0;

  private constructor(cluster: SimulatedCluster) {
    this.cluster = cluster;
    this.client = cluster.client;
    this.#access = simulatedAccess(cluster, new Map());
  }

  /** Every pod of the manifests runs and is ready. */
  static async start({ manifests = [], dns = false, ...options }: LabOptions = {}): Promise<Lab> {
    const lab = new Lab(await SimulatedCluster.start({ seed: "effects", ...options }));
    const system = dns ? readManifests(["manifests/system/coredns.yaml"]).map(({ object }) => object) : [];
    await lab.apply(...(system as unknown as ManifestSource[]), ...manifests);
    await lab.settled();
    return lab;
  }

  async apply(...manifests: readonly ManifestSource[]): Promise<void> {
    await this.do(this.#access.apply(manifests, new AbortController().signal));
  }

  /** Every pod is ready, and all tables are written. */
  async settled(limitMs?: number): Promise<void> {
    await this.cluster.run(500);
    await this.until(async () => (await this.pods("*")).every(isReady), "every pod being ready", limitMs);
    await this.cluster.run(500);
  }

  do<T>(operation: Promise<T>): Promise<T> {
    return this.cluster.settle(operation);
  }

  run(ms: number): Promise<void> {
    return this.cluster.run(ms);
  }

  until(condition: () => boolean | Promise<boolean>, what: string, limitMs = 60_000): Promise<void> {
    return this.cluster.until(condition, limitMs, what);
  }

  /** Injects a fault as a scenario does: defaults, choice of target, JSON on the way. It stays until it is healed. */
  async inject(
    name: string,
    given: { target?: Partial<TargetSpec>; parameters?: Record<string, unknown>; holdMs?: number } = {},
  ): Promise<Injected> {
    const fault = faults.find((one) => one.name === name);
    if (!fault) throw new RangeError(`no fault "${name}"`);
    const { reach, rng, clock } = this.cluster;
    const spec = newFaultSpec({
      fault: name,
      target: newTarget({ mode: "all", ...given.target }),
      parameters: withDefaults(fault.parameters, given.parameters ?? {}),
    });
    const id = `${name}-${++this.#injections}`;
    const chosen = await this.do(fault.choose({ client: this.client, clock, rng: rng.fork(id) }, spec));
    if (chosen === undefined) throw new RangeError(`${name} hits nothing`);
    const target: unknown = JSON.parse(JSON.stringify(chosen));
    const injection = { id, endsAtMs: clock.nowMs() + (given.holdMs ?? 3_600_000) };
    await this.do(fault.inject(reach, target, injection));
    return { target, heal: () => this.do(fault.heal(reach, target, injection)) };
  }

  async pods(namespace = "default", labelSelector?: string): Promise<Pod[]> {
    const { items } = await this.do(
      this.client.list(pods, {
        ...(namespace === "*" ? {} : { namespace }),
        ...(labelSelector ? { labelSelector } : {}),
      }),
    );
    return items.filter(({ metadata }) => !metadata.deletionTimestamp);
  }

  async pod(name: string, namespace = "default"): Promise<Pod> {
    return this.do(this.client.get(pods, { namespace, name }));
  }

  async clusterIp(name: string): Promise<string> {
    return (await this.do(this.client.get(services, { namespace: "default", name }))).spec.clusterIP ?? "";
  }

  async scale(name: string, replicas: number): Promise<void> {
    const body = { spec: { replicas } };
    await this.do(this.client.patch(deployments, { namespace: "default", name }, { type: "merge", body }));
  }

  async events(reason: string): Promise<Event[]> {
    return (await this.do(this.client.list(events))).items.filter((event) => event.reason === reason);
  }

  /** What a shell line in a pod prints, and how it ends. */
  sh(pod: string, line: string): Promise<{ exitCode: number; output: string }> {
    const command = ["sh", "-c", `${line} 2>&1`];
    return this.do(
      runInPod(this.client, { namespace: "default", pod, command }, new AbortController().signal),
    );
  }

  /** One GET from the host to a node port: the body, or what went wrong. */
  async get(nodePort: number, timeoutMs = 2000): Promise<string> {
    const answer = await this.do(
      this.#access.requestFromHost({
        nodePort,
        method: "GET",
        path: "/",
        headers: {},
        timeoutMs,
        keepAlive: false,
      }),
    );
    return answer.outcome === "ok" ? `${answer.status}` : (answer.error ?? answer.outcome);
  }

  /** The addresses that a node's table holds for `default/<service>`. */
  backends(node: string, name = "web"): string[] {
    const table = this.cluster.dataPlane.router.kernel(node)?.table;
    return (table?.get(`default/${name}`)?.route.backends ?? [])
      .filter(({ ready }) => ready)
      .map(({ ip }) => ip)
      .sort();
  }

  /** The service ports that a node has rules for. */
  routes(node: string): string[] {
    const table = this.cluster.dataPlane.router.kernel(node)?.table;
    return [...(table?.routes() ?? [])].map(({ route }) => route.servicePort);
  }

  /** Paths of the requests that clients of this user agent send to the API server from now on. */
  requests(agent: string): string[] {
    const { api } = this.cluster.world;
    const { server } = api;
    const paths: string[] = [];
    if (!server) throw new RangeError("the API server is down");
    const { handler, clock } = server;
    api.serve(
      {
        request(request, signal) {
          if (request.headers["user-agent"]?.startsWith(agent)) paths.push(request.path);
          return handler.request(request, signal);
        },
        upgrade: (request, upgrade, signal) => handler.upgrade(request, upgrade, signal),
      },
      clock,
    );
    return paths;
  }

  stop(): Promise<void> {
    return this.cluster.stop();
  }
}

export const isReady = ({ status }: Pod): boolean =>
  status.phase === "Succeeded" ||
  (status.conditions ?? []).some(({ type, status: value }) => type === "Ready" && value === "True");

interface AppOptions {
  replicas?: number;
  probes?: Record<string, unknown>;
  container?: Record<string, unknown>;
  pod?: Record<string, unknown>;
}

/** A Deployment of nginx with probes every second, and a Service of the same name; `nodePort` exposes it. */
export function app(name: string, { replicas = 2, probes, container, pod }: AppOptions = {}): ManifestSource {
  const http = { httpGet: { path: "/", port: 80 }, periodSeconds: 1 };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace: "default" },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          terminationGracePeriodSeconds: 2,
          ...pod,
          containers: [
            { name: "web", image: "nginx", ...(probes ?? { readinessProbe: http }), ...container },
          ],
        },
      },
    },
  };
}

export const service = (name: string, nodePort?: number): ManifestSource => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: "default" },
  spec: {
    type: nodePort === undefined ? "ClusterIP" : "NodePort",
    selector: { app: name },
    ports: [{ port: 80, ...(nodePort === undefined ? {} : { nodePort }) }],
  },
});

/** A pod that only waits for `exec`. */
export const client = (node?: string): ManifestSource => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "client", namespace: "default" },
  spec: {
    ...(node === undefined ? {} : { nodeName: node }),
    terminationGracePeriodSeconds: 0,
    containers: [{ name: "client", image: "busybox", command: ["sleep", "86400"] }],
  },
});
