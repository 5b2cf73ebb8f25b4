import type { Clock } from "../../machinery/api/clock.js";
import type { Service } from "../../machinery/api/core-v1.js";
import type { RestClient } from "../../machinery/client/rest-client.js";
import type { SocketAddress } from "../../machinery/network/network.js";
import { formatAddress } from "../../machinery/network/addresses.js";
import type { ClusterAdmin } from "../objects/cluster-admin.js";
import { writeBalancerStatus } from "./balancer-status.js";

export interface TunnelOptions {
  client: RestClient;
  admin: ClusterAdmin;
  clock: Clock;
  /** C of the addresses 127.C.1.n. */
  loopbackIndex: number;
  print: (line: string) => void;
}

/** One Service that has its address from here. */
interface Balanced {
  namespace: string;
  name: string;
  uid: string;
  /** What was asked for; another spec is another balancer. */
  ports: string;
  slot: number;
  stop: AbortController;
}

const MOST_SERVICES = 254;
const REOPEN_MS = 500;

/** The cloud's load balancer controller: gives Services their addresses and takes them back when it ends. */
export class Tunnel {
  readonly #options: TunnelOptions;
  readonly #balanced = new Map<string, Balanced>();
  #turn: Promise<void> = Promise.resolve();

  constructor(options: TunnelOptions) {
    this.#options = options;
  }

  /** Makes addresses follow these Services: all there are. One call waits for the other. */
  follow(all: readonly Service[]): Promise<void> {
    this.#turn = this.#turn.then(() => this.#follow(all));
    return this.#turn;
  }

  /** Takes every address back. */
  async close(): Promise<void> {
    await this.#turn.catch(() => {});
    for (const key of this.#balanced.keys()) await this.#remove(key);
  }

  async #follow(all: readonly Service[]): Promise<void> {
    const wanted = new Map(all.filter(isOurs).map((service) => [keyOf(service), service]));
    for (const [key, { uid, ports }] of this.#balanced) {
      const service = wanted.get(key);
      if (service?.metadata.uid !== uid || portsOf(service) !== ports) await this.#remove(key);
    }
    for (const [key, service] of wanted) if (!this.#balanced.has(key)) await this.#add(key, service);
  }

  async #add(key: string, service: Service): Promise<void> {
    const slot = this.#freeSlot(service);
    if (slot === undefined) return this.#options.print(`${key}: more than ${MOST_SERVICES} load balancers`);
    const { namespace = "default", name, uid } = service.metadata;
    const stop = new AbortController();
    this.#balanced.set(key, { namespace, name, uid, ports: portsOf(service), slot, stop });
    const ip = `127.${this.#options.loopbackIndex}.1.${slot}`;
    const opened: SocketAddress[] = [];
    for (const port of service.spec.ports ?? []) {
      if (port.protocol === "SCTP") {
        this.#options.print(`${key}  port ${port.port} is SCTP, which this machine cannot balance`);
        continue;
      }
      const query = new URLSearchParams({
        servicePort: `${key}${port.name ? `:${port.name}` : ""}`,
        protocol: port.protocol,
        ip,
        port: String(port.port),
        ...(port.nodePort === undefined ? {} : { nodePort: String(port.nodePort) }),
      });
      const path = `/load-balancers/lease?${query.toString()}`;
      const actual = await this.#hold(path, stop.signal).catch((err: unknown) => {
        // Whoever has the port has written the status too.
        stop.abort();
        this.#balanced.delete(key);
        throw err;
      });
      opened.push(actual);
      const note = actual.port === port.port && actual.ip === ip ? "" : ` (for ${ip}:${port.port})`;
      this.#options.print(`${key}  ${formatAddress(actual)}${note}  ${port.protocol}`);
    }
    const [first] = opened;
    if (first)
      await writeBalancerStatus(this.#options, { namespace, name }, [{ ip: first.ip, ipMode: "VIP" }]);
  }

  async #remove(key: string): Promise<void> {
    const balanced = this.#balanced.get(key);
    if (!balanced) return;
    this.#balanced.delete(key);
    balanced.stop.abort();
    await writeBalancerStatus(this.#options, balanced, null);
  }

  /** Opens a port in the data plane, and again whenever that has restarted, until the signal aborts. */
  async #hold(path: string, signal: AbortSignal): Promise<SocketAddress> {
    const open = async () => {
      const lines = this.#options.admin.stream<{ actual: SocketAddress }>("dataplane", path, signal);
      const reader = lines[Symbol.asyncIterator]();
      const first = await reader.next();
      if (first.done) throw new Error("the data plane opened no port");
      return { reader, actual: first.value.actual };
    };
    const { reader, actual } = await open();
    const keep = async (held: typeof reader): Promise<void> => {
      let current: typeof reader | undefined = held;
      while (!signal.aborted) {
        await current?.next().catch(() => {});
        if (signal.aborted) return;
        await this.#options.clock.sleep(REOPEN_MS, signal).catch(() => {});
        current = await open().then(
          (opened) => opened.reader,
          () => undefined,
        );
      }
    };
    // Ends with the signal; its own failures are tried again.
    void keep(reader);
    return actual;
  }

  /** The number it had, else the lowest free one. */
  #freeSlot({ status }: Service): number | undefined {
    const taken = new Set([...this.#balanced.values()].map(({ slot }) => slot));
    const had = Number(
      new RegExp(`^127\\.${this.#options.loopbackIndex}\\.1\\.(\\d+)$`).exec(
        status.loadBalancer?.ingress?.[0]?.ip ?? "",
      )?.[1],
    );
    if (had >= 1 && had <= MOST_SERVICES && !taken.has(had)) return had;
    for (let slot = 1; slot <= MOST_SERVICES; slot++) if (!taken.has(slot)) return slot;
    return undefined;
  }
}

/** A Service with a class of its own waits for that class' controller. */
const isOurs = ({ spec, metadata }: Service): boolean =>
  spec.type === "LoadBalancer" && spec.loadBalancerClass === undefined && !metadata.deletionTimestamp;

const keyOf = ({ metadata }: Service): string => `${metadata.namespace}/${metadata.name}`;

const portsOf = ({ spec }: Service): string =>
  JSON.stringify((spec.ports ?? []).map((port) => [port.name, port.protocol, port.port, port.nodePort]));
