import type { Clock, Timer } from "../../api/clock.js";
import { type HttpRequest, type HttpResponse, type Transport, TransportError } from "../../api/http.js";
import { parseRequestInfo, splitQuery } from "../../api/request-info.js";
import type { Rng } from "../../api/rng.js";
import { newExpired } from "../../api/status.js";
import type { FaultPoints } from "../../runtime/fault-points.js";
import { wrapTransport } from "../wrap-transport.js";
import { ActiveFaults } from "../../runtime/active-faults.js";
import { FaultyWatch } from "./faulty-watch.js";
import { FaultyLink, type LinkFault, parseLinkFault } from "./link-fault.js";
import { concerns, parseWatchFault, type WatchFault } from "./watch-fault.js";

/** Stands between the clients of one component and the API server: slow, lossy or cut links, and watches that lie. */
export class TransportFaults {
  readonly #clock: Clock;
  readonly #rng: Rng;
  readonly #links = new ActiveFaults<LinkFault>();
  readonly #watches = new ActiveFaults<WatchFault>();
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
      name: "watch",
      summary: "watches lag, drop, repeat or swap events, end, or are answered with 410",
      inject: (parameters) => this.#injectWatch(parseWatchFault(parameters)),
    });
  }

  /** `client` is what faults call this user of the transport: `node-1`, `proxy`. */
  wrap(inner: Transport, client: string): Transport {
    const link = new FaultyLink(client, this.#links, this.#clock, this.#rng.fork(`link/${client}`));
    const watched = (request: HttpRequest): string | undefined =>
      this.#watches.none ? undefined : watchedResource(request);
    return wrapTransport(inner, {
      beforeRequest: (_request, signal) => link.send(signal),
      afterResponse: async (request, response, signal) => {
        await link.receive(signal);
        return this.#isExpired(client, watched(request)) ? expiredAnswer(response) : response;
      },
      stream: (request, body, signal) => {
        const resource = watchedResource(request);
        return resource === undefined ? body : this.#stream(client, resource, body, link, signal);
      },
    });
  }

  async *#stream(
    client: string,
    resource: string,
    body: AsyncIterable<Uint8Array>,
    link: FaultyLink,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array> {
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
    }
  }

  #injectWatch(fault: WatchFault): () => void {
    const remove = this.#watches.add(fault);
    const meant = (): FaultyWatch[] =>
      [...this.#open].filter(({ client, resource }) => concerns(fault, client, resource));
    if (fault.expired) for (const watch of meant()) watch.end({ frame: expiredFrame() });
    const cut = (): void => {
      for (const watch of meant()) watch.end({ error: new TransportError("connection reset by peer") });
    };
    if (!fault.disconnect) return remove;
    let timer: Timer | undefined;
    const cutAgain = (): void => {
      cut();
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

/** The plural name of what a request watches; undefined when it is no watch. */
function watchedResource({ method, path }: HttpRequest): string | undefined {
  const { path: plain, search } = splitQuery(path);
  const query = new URLSearchParams(search);
  const info = parseRequestInfo(method, plain, query);
  return info.verb === "watch" ? info.resource : undefined;
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
