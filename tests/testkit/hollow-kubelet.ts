import type { Clock } from "../../machinery/api/clock.js";
import { toMicroTime, toTime } from "../../machinery/api/clock.js";
import { leases } from "../../machinery/api/coordination-v1.js";
import { type Node, nodes, type Pod, pods } from "../../machinery/api/core-v1.js";
import type { DeepReadonly } from "../../machinery/api/meta-v1.js";
import { silentLogger } from "../../machinery/api/logger.js";
import { isNotFound } from "../../machinery/api/status.js";
import { Informer } from "../../machinery/client/informer.js";
import type { RestClient } from "../../machinery/client/rest-client.js";
import { WorkQueue } from "../../machinery/client/work-queue.js";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";

/** What a kubelet reports, without containers: pods on its nodes become ready, deleted ones go. For controller tests. */
export class HollowKubelet {
  readonly #client: RestClient;
  readonly #clock: Clock;
  readonly #pods: Informer<Pod>;
  readonly #queue: WorkQueue;
  /** Pods for which it says false never become ready. */
  startsReady: (pod: DeepReadonly<Pod>) => boolean = () => true;
  /** Nodes whose kubelet is dead: nothing on them changes any more. */
  readonly dead = new Set<string>();
  readonly #nodes = new Set<string>();
  #nextIp = 0;

  constructor(client: RestClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
    this.#queue = new WorkQueue({ clock });
    const rng = seededRng("hollow-kubelet");
    this.#pods = new Informer({ client, descriptor: pods, clock, rng, logger: silentLogger });
    const enqueue = ({ metadata }: DeepReadonly<Pod>): void =>
      this.#queue.add(`${metadata.namespace}/${metadata.name}`);
    this.#pods.onChange({ added: enqueue, updated: (_old, pod) => enqueue(pod) });
  }

  async register(name: string, labels: Record<string, string> = {}, cpu = "16"): Promise<Node> {
    this.#nodes.add(name);
    const amounts = { cpu, memory: "32Gi", pods: "110" };
    const node = await this.#client.create(nodes, { metadata: { name, labels } });
    const ready = this.#condition("Ready", "KubeletReady");
    const status = { ...node.status, capacity: amounts, allocatable: amounts, conditions: [ready] };
    return this.#client.update(nodes, { ...node, status }, { subresource: "status" });
  }

  async run(signal: AbortSignal): Promise<void> {
    const work = async (): Promise<void> => {
      for await (const key of this.#queue.items(signal)) {
        await this.#sync(key).catch((err: unknown) => {
          if (!signal.aborted && !isNotFound(err)) this.#queue.addRateLimited(key);
        });
        this.#queue.done(key);
      }
    };
    await Promise.all([this.#pods.run(signal), this.#renewLeases(signal), work(), work(), work(), work()]);
  }

  async #renewLeases(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const name of this.#nodes) {
        if (this.dead.has(name)) continue;
        const renewTime = toMicroTime(this.#clock.nowMs());
        const spec = { holderIdentity: name, leaseDurationSeconds: 40, renewTime };
        const metadata = { name, namespace: "kube-node-lease" };
        const patch = { type: "merge", body: { spec } } as const;
        await this.#client.patch(leases, metadata, patch).catch(async (err: unknown) => {
          if (isNotFound(err)) await this.#client.create(leases, { metadata, spec });
        });
      }
      await this.#clock.sleep(10_000, signal).catch(() => {});
    }
  }

  async #sync(key: string): Promise<void> {
    const pod = this.#pods.get(key);
    if (!pod?.spec.nodeName || this.dead.has(pod.spec.nodeName)) return;
    if (pod.metadata.deletionTimestamp) {
      await this.#client.delete(pods, pod.metadata, { gracePeriodSeconds: 0 });
      return;
    }
    if (pod.status.podIP || !this.startsReady(pod)) return;
    const ip = `10.244.${Math.floor(this.#nextIp / 250)}.${(this.#nextIp++ % 250) + 2}`;
    const status: Pod["status"] = {
      ...(pod.status as Pod["status"]),
      phase: "Running",
      podIP: ip,
      podIPs: [{ ip }],
      startTime: toTime(this.#clock.nowMs()),
      conditions: [
        ...((pod.status.conditions ?? []) as NonNullable<Pod["status"]["conditions"]>).filter(
          ({ type }) => type === "PodScheduled",
        ),
        this.#condition("Ready", ""),
      ],
    };
    await this.#client.update(pods, { ...pod, status } as Pod, { subresource: "status" });
  }

  #condition(type: string, reason: string) {
    const now = toTime(this.#clock.nowMs());
    return { type, status: "True" as const, ...(reason ? { reason } : {}), lastTransitionTime: now };
  }
}
