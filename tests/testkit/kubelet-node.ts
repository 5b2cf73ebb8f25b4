import { toTime } from "../../machinery/api/clock.js";
import type {
  ConfigMap,
  Container,
  Pod,
  PodCondition,
  PodSpec,
  PodStatus,
  Secret,
  Service,
} from "../../machinery/api/core-v1.js";
import { type HttpRequest, type HttpResponse, readBody, type Transport } from "../../machinery/api/http.js";
import { silentLogger } from "../../machinery/api/logger.js";
import { RestClient } from "../../machinery/client/rest-client.js";
import { ConnectionError } from "../../machinery/network/network.js";
import { VirtualNetwork } from "../../machinery/network/virtual-network.js";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import { SimulationScheduler } from "../../simulation/scheduler.js";
import { VirtualClock } from "../../simulation/virtual-clock.js";
import { HostPorts } from "../../kubelet-sim/node/host-ports.js";
import { PodDialer } from "../../kubelet-sim/node/pod-dialer.js";
import { BackOff } from "../../kubelet-sim/pods/back-off.js";
import { ImagePuller } from "../../kubelet-sim/pods/image-puller.js";
import type { NodeContext } from "../../kubelet-sim/pods/node-context.js";
import { PodFaults } from "../../kubelet-sim/pods/pod-faults.js";
import { PodWorkers } from "../../kubelet-sim/pods/pod-workers.js";
import { StatusManager } from "../../kubelet-sim/pods/status-manager.js";
import { ReadinessLog } from "../../kubelet-sim/pods/readiness-log.js";
import { createRuntime } from "../../kubelet-sim/runtime/runtime.js";
import { ServiceAccountTokens } from "../../kubelet-sim/volumes/service-account-tokens.js";

export interface RecordedEvent {
  pod: string;
  type: string;
  reason: string;
  message: string;
}

/** One node on a virtual clock with the real runtime; the API server's part is played by a map of pods. */
export class TestNode {
  readonly clock = new VirtualClock();
  readonly scheduler = new SimulationScheduler(this.clock);
  readonly events: RecordedEvent[] = [];
  readonly deleted: string[] = [];
  readonly configMaps = new Map<string, ConfigMap>();
  readonly secrets = new Map<string, Secret>();
  readonly services: Service[] = [];
  readonly workers: PodWorkers;
  readonly context: NodeContext;
  statusWrites = 0;
  readonly #stored = new Map<string, Pod>();
  readonly #stop = new AbortController();
  #version = 1;

  constructor() {
    const { clock } = this;
    const rng = seededRng("kubelet-test");
    const network = new VirtualNetwork({
      clock,
      rng,
      uplink: { dial: () => Promise.reject(new ConnectionError("unreachable")), sendDatagram: () => {} },
    });
    const nodeNetwork = network.addHost("172.18.0.3");
    const runtime = createRuntime({
      nodeName: "node-1",
      nodeIPs: ["172.18.0.3"],
      podCIDRs: ["10.244.0.0/24"],
      network,
      nodeNetwork,
      clock,
      rng: rng.fork("runtime"),
      logger: silentLogger,
    });
    const client = new RestClient({ transport: this.#transport(), clock, userAgent: "test" });
    this.context = {
      nodeName: "node-1",
      hostIPs: ["172.18.0.3"],
      clock,
      rng,
      logger: silentLogger,
      runtime,
      network: nodeNetwork,
      toPods: new PodDialer({ nodeIPs: ["172.18.0.3"], network, clock, rng }),
      config: {
        configMap: (namespace, name) => Promise.resolve(this.configMaps.get(`${namespace}/${name}`)),
        secret: (namespace, name) => Promise.resolve(this.secrets.get(`${namespace}/${name}`)),
        services: () => this.services,
        kubernetesService: () => undefined,
      },
      puller: new ImagePuller({ runtime, clock }),
      statuses: new StatusManager({ client, clock, logger: silentLogger, signal: this.#stop.signal }),
      crashBackOff: new BackOff(),
      hostPorts: new HostPorts({ nodeName: "node-1", client, clock, logger: silentLogger }),
      hostPaths: new Map(),
      dns: { clusterDns: "10.96.0.10", clusterDomain: "cluster.local", nodeNameservers: ["10.96.0.10"] },
      allocatable: { cpu: "4", memory: "8Gi" },
      readiness: new ReadinessLog(clock),
      tokens: new ServiceAccountTokens({ client, clock }),
      faults: new PodFaults(clock),
      stopped: this.#stop.signal,
      event: (pod, type, reason, message) =>
        this.events.push({ pod: pod.metadata.name, type, reason, message }),
    };
    this.workers = new PodWorkers(this.context);
  }

  /** A pod bound to the node, as the scheduler leaves it. */
  create(name: string, spec: Partial<PodSpec> & { containers: Container[] }, status?: PodStatus): void {
    const pod: Pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name,
        namespace: "default",
        uid: `uid-${name}`,
        generation: 1,
        resourceVersion: String(++this.#version),
        creationTimestamp: toTime(this.clock.nowMs()),
      },
      spec: { restartPolicy: "Always", nodeName: "node-1", ...spec },
      status: status ?? { phase: "Pending", qosClass: "BestEffort" },
    };
    this.#stored.set(name, pod);
    this.workers.upsert(pod);
  }

  /** `kubectl delete`. */
  delete(name: string, graceSeconds = 30): void {
    this.change(name, (pod) => ({
      ...pod,
      metadata: {
        ...pod.metadata,
        deletionTimestamp: toTime(this.clock.nowMs() + graceSeconds * 1000),
        deletionGracePeriodSeconds: graceSeconds,
      },
    }));
  }

  change(name: string, change: (pod: Pod) => Pod): void {
    const pod = change(this.pod(name));
    const next = { ...pod, metadata: { ...pod.metadata, resourceVersion: String(++this.#version) } };
    this.#stored.set(name, next);
    this.workers.upsert(next);
  }

  pod(name: string): Pod {
    const pod = this.#stored.get(name);
    if (!pod) throw new RangeError(`no pod ${name}`);
    return pod;
  }

  has(name: string): boolean {
    return this.#stored.has(name);
  }

  condition(name: string, type: string): PodCondition | undefined {
    return this.pod(name).status.conditions?.find((condition) => condition.type === type);
  }

  reasons(name: string): string[] {
    return this.events.filter(({ pod }) => pod === name).map(({ reason }) => reason);
  }

  until(condition: () => boolean, limitMs = 60_000): Promise<void> {
    return this.scheduler.runUntil(condition, limitMs);
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("test over"));
    this.context.runtime.crash();
    await this.scheduler.run(1000);
  }

  #transport(): Transport {
    return {
      request: (request) => this.#answer(request),
      upgrade: () => Promise.reject(new Error("no upgrades here")),
    };
  }

  async #answer(request: HttpRequest): Promise<HttpResponse> {
    const body = JSON.parse(Buffer.from(await readBody(request.body)).toString("utf8") || "{}");
    await this.clock.sleep(1);
    const name = /\/pods\/([^/?]+)/.exec(request.path)?.[1];
    if (request.path.includes("/token")) return json(201, { status: { token: "a.jwt.token" } });
    const pod = name === undefined ? undefined : this.#stored.get(name);
    if (!pod) return json(404, { kind: "Status", code: 404, reason: "NotFound", message: "not found" });
    if (request.method === "DELETE") {
      this.#stored.delete(pod.metadata.name);
      this.deleted.push(pod.metadata.name);
      this.workers.removed(pod);
      return json(200, pod);
    }
    this.statusWrites++;
    this.change(pod.metadata.name, (current) => ({
      ...current,
      status: merged(current.status, body.status),
    }));
    return json(200, this.pod(pod.metadata.name));
  }
}

/** As much of strategic merge as statuses need. */
function merged(status: PodStatus, patch: Partial<PodStatus> & { conditions?: PodCondition[] }): PodStatus {
  const conditions = new Map((status.conditions ?? []).map((condition) => [condition.type, condition]));
  for (const condition of patch.conditions ?? []) {
    const now = { ...conditions.get(condition.type), ...condition };
    conditions.set(condition.type, withoutNulls(now));
  }
  return { ...withoutNulls({ ...status, ...patch }), conditions: [...conditions.values()] };
}

const withoutNulls = <T extends object>(value: T): T =>
  Object.fromEntries(
    Object.entries(value).filter(([key, field]) => field !== null || key.endsWith("Time")),
  ) as T;

const json = (status: number, body: unknown): HttpResponse => ({
  status,
  headers: { "content-type": "application/json" },
  body: Buffer.from(JSON.stringify(body)),
});
