import type { Clock, Timer } from "../../api/clock.js";
import { type HttpRequest, type HttpResponse, type Transport, TransportError } from "../../api/http.js";
import { parseRequestInfo, type RequestInfo, splitQuery } from "../../api/request-info.js";
import type { Rng } from "../../api/rng.js";
import { newExpired } from "../../api/status.js";
import { FaultParameters } from "../../runtime/fault-parameters.js";
import type { FaultPoints } from "../../runtime/fault-points.js";
import { wrapTransport } from "../wrap-transport.js";
import { ActiveFaults } from "../../runtime/active-faults.js";
import { DescriptorFaults } from "./descriptor-fault.js";
import { FaultyWatch } from "./faulty-watch.js";
import { FaultyLink, type LinkFault, parseLinkFault } from "./link-fault.js";
import { concerns, parseWatchFault, type Selection, type WatchFault } from "./watch-fault.js";

/** Stands between the clients of one component and the API server: slow, lossy or cut links, and watches that lie. */
export class TransportFaults {
  readonly #clock: Clock;
  readonly #rng: Rng;
  readonly #links = new ActiveFaults<LinkFault>();
  readonly #watches = new ActiveFaults<WatchFault>();
  readonly #stale = new ActiveFaults<StaleReads>();
  readonly #descriptors = new DescriptorFaults();
  readonly #open = new Set<FaultyWatch>();
  #streams = 0;

  constructor(options: { clock: Clock; rng: Rng }) {
    this.#clock = options.clock;
    this.#rng = options.rng;
  }

  define(points: FaultPoints): void {
    points.define({
      name: "api-link",
      summary: "the way to the API server is slow, loses requests, or is cut",
      inject: (parameters) => this.#links.add(parseLinkFault(parameters)),
    });
    points.define({
      name: "descriptors",
      summary: "connections to the API server beyond a number cannot be opened",
      inject: (parameters) => this.#descriptors.inject(parameters),
    });
    points.define({
      name: "watch",
      summary: "watches lag, drop, repeat or swap events, end, or are answered with 410",
      inject: (parameters) => this.#injectWatch(parseWatchFault(parameters)),
    });
    points.define({
      name: "stale-reads",
      summary: "reads and watches go to a replica of the API server that is behind; writes do not",
      inject: (parameters) => this.#injectStaleReads(parseStaleReads(parameters)),
    });
  }

  /**
   * `client` is what faults call this user of the transport: `node-1`, `proxy`. `replica` makes the same user's way to another
   * API server; without it reads cannot be stale.
   */
  wrap(leader: Transport, client: string, replica?: (server: string) => Transport): Transport {
    const direct = this.#descriptors.guard(leader, client);
    const inner = replica ? this.#routed(direct, client, replica) : direct;
    const link = new FaultyLink(client, this.#links, this.#clock, this.#rng.fork(`link/${client}`));
    const watched = (request: HttpRequest): string | undefined =>
      this.#watches.none ? undefined : watchedResource(request);
    return wrapTransport(inner, {
      beforeRequest: (_request, signal) => link.send(signal),
      afterResponse: async (request, response, signal) => {
        await link.receive(signal);
        return this.#isExpired(client, watched(request)) ? expiredAnswer(response) : response;
      },
      stream: (request, body, signal, close) => {
        const resource = watchedResource(request);
        return resource === undefined ? body : this.#stream({ client, resource, body, link, signal, close });
      },
    });
  }

  #routed(leader: Transport, client: string, replica: (server: string) => Transport): Transport {
    const known = new Map<string, Transport>();
    const to = (request: HttpRequest): Transport => {
      if (this.#stale.none || request.method !== "GET") return leader;
      const { resource } = requestInfo(request);
      const server = this.#stale.find((fault) => concerns(fault, client, resource))?.server;
      if (server === undefined) return leader;
      const open = known.get(server) ?? replica(server);
      known.set(server, open);
      return open;
    };
    return {
      request: (request, signal) => to(request).request(request, signal),
      upgrade: (request, protocols, signal) => leader.upgrade(request, protocols, signal),
    };
  }

  /** Open watches are reset at both ends of the fault: their clients come back to where they are meant to be. */
  #injectStaleReads(fault: StaleReads): () => void {
    const remove = this.#stale.add(fault);
    this.#cut(fault);
    return () => {
      remove();
      this.#cut(fault);
    };
  }

  #meant(fault: Selection): FaultyWatch[] {
    return [...this.#open].filter(({ client, resource }) => concerns(fault, client, resource));
  }

  #cut(fault: Selection): void {
    for (const watch of this.#meant(fault))
      watch.end({ error: new TransportError("connection reset by peer") });
  }

  async *#stream({ client, resource, body, link, signal, close }: OpenStream): AsyncGenerator<Uint8Array> {
    const watch = new FaultyWatch({
      client,
      resource,
      faults: this.#watches,
      clock: this.#clock,
      rng: this.#rng.fork(`watch/${client}/${resource}/${++this.#streams}`),
      untilOpen: (stop) => link.untilOpen(stop),
    });
    this.#open.add(watch);
    try {
      yield* watch.frames(body, signal);
    } finally {
      this.#open.delete(watch);
      close();
    }
  }

  #injectWatch(fault: WatchFault): () => void {
    const remove = this.#watches.add(fault);
    if (fault.expired) for (const watch of this.#meant(fault)) watch.end({ frame: expiredFrame() });
    if (!fault.disconnect) return remove;
    let timer: Timer | undefined;
    const cutAgain = (): void => {
      this.#cut(fault);
      if (fault.everyMs > 0) timer = this.#clock.setTimer(fault.everyMs, cutAgain);
    };
    cutAgain();
    return () => {
      timer?.cancel();
      remove();
    };
  }

  #isExpired(client: string, resource: string | undefined): boolean {
    return (
      resource !== undefined &&
      this.#watches.find((fault) => fault.expired && concerns(fault, client, resource)) !== undefined
    );
  }
}

interface OpenStream {
  client: string;
  resource: string;
  body: AsyncIterable<Uint8Array>;
  link: FaultyLink;
  signal: AbortSignal | undefined;
  /** Lets the real stream go, though nothing comes on it. */
  close: () => void;
}

interface StaleReads extends Selection {
  /** Where the replica is. */
  server: string;
}

function parseStaleReads(values: Readonly<Record<string, unknown>>): StaleReads {
  const read = new FaultParameters(values, ["server", "clients", "resources"]);
  const server = read.text("server");
  if (server === undefined) throw new RangeError("server is needed");
  return { server, clients: read.texts("clients"), resources: read.texts("resources") };
}

function requestInfo({ method, path: target }: HttpRequest): RequestInfo {
  const { path, search } = splitQuery(target);
  return parseRequestInfo(method, path, new URLSearchParams(search));
}

/** The plural name of what a request watches; undefined when it is no watch. */
function watchedResource(request: HttpRequest): string | undefined {
  const { verb, resource } = requestInfo(request);
  return verb === "watch" ? resource : undefined;
}

const gone = () => newExpired("too old resource version").status;
const expiredFrame = (): Uint8Array => Buffer.from(`${JSON.stringify({ type: "ERROR", object: gone() })}\n`);

/** Lets the real stream go. */
function expiredAnswer(response: HttpResponse): HttpResponse {
  if (!(response.body instanceof Uint8Array)) void response.body[Symbol.asyncIterator]().return?.();
  return {
    status: 410,
    headers: { "content-type": "application/json" },
    body: Buffer.from(JSON.stringify(gone())),
  };
}
