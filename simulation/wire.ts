import type { Clock } from "../machinery/api/clock.js";
import {
  type HttpHandler,
  type HttpRequest,
  type HttpResponse,
  type Transport,
  TransportError,
} from "../machinery/api/http.js";
import { type DirectIdentity, directTransport } from "../machinery/client/direct-transport.js";
import type { SkewableClock } from "../machinery/runtime/skewable-clock.js";
import { WireStream } from "./wire-stream.js";

export interface WireClient {
  /** The process at this end; requests of one that has ended are dropped. */
  clock: SkewableClock;
  identity: DirectIdentity;
  /** Milliseconds that the next message takes. */
  latency: () => number;
  /** Of a streamed answer's frames. Default `latency`. */
  streamLatency?: () => number;
}

/**
 * Where one server process is reached. Every message (request, answer, frame of a stream) is under way for a time; one that
 * reaches a process that stands still waits; when the server is killed, its clients' connections are reset.
 */
export class Wire {
  readonly #master: Clock;
  readonly #calls = new Set<Call>();
  #server: { handler: HttpHandler; clock: SkewableClock } | undefined;

  constructor(master: Clock) {
    this.#master = master;
  }

  get server(): { handler: HttpHandler; clock: SkewableClock } | undefined {
    return this.#server;
  }

  serve(handler: HttpHandler, clock: SkewableClock): void {
    this.#server = { handler, clock };
  }

  /** The server's kernel closes its sockets. */
  cut(): void {
    this.#server = undefined;
    for (const call of this.#calls) call.reset();
  }

  /** The kernel of a client process that has ended closes its sockets. */
  clientEnded(clock: SkewableClock): void {
    for (const call of this.#calls) if (call.isOf(clock)) call.hangUp();
  }

  /** Requests and streams of a client process that are open. */
  openCalls(clock: SkewableClock): number {
    let count = 0;
    for (const call of this.#calls) if (call.isOf(clock)) count += 1;
    return count;
  }

  connect(client: WireClient): Transport {
    const { identity } = client;
    const prepare = (request: HttpRequest): HttpRequest => ({
      ...request,
      headers:
        identity.token === undefined
          ? request.headers
          : { authorization: `Bearer ${identity.token}`, ...request.headers },
      ...(identity.clientCertificate ? { clientCertificate: identity.clientCertificate } : {}),
      remoteAddress: identity.remoteAddress ?? "127.0.0.1:0",
    });
    return {
      request: (request, signal) => this.#request(client, prepare(request), signal),
      upgrade: async (request, protocols, signal) => {
        await client.clock.sleep(client.latency(), signal);
        const { handler } = this.#server ?? refused();
        return directTransport(handler, identity).upgrade(request, protocols, signal);
      },
    };
  }

  #request(client: WireClient, request: HttpRequest, signal: AbortSignal | undefined): Promise<HttpResponse> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    return new Promise((resolve, reject) => {
      const call = new Call(this.#master, client, signal, { resolve, reject }, () =>
        this.#calls.delete(call),
      );
      this.#calls.add(call);
      call.send(request, () => this.#server);
    });
  }
}

function refused(): never {
  throw new TransportError("connect ECONNREFUSED");
}

interface Waiting {
  resolve(response: HttpResponse): void;
  reject(err: unknown): void;
}

/** One request and its answer. */
class Call {
  readonly #master: Clock;
  readonly #client: WireClient;
  readonly #signal: AbortSignal | undefined;
  readonly #waiting: Waiting;
  readonly #onDone: () => void;
  /** The server's view of the connection. */
  readonly #connection = new AbortController();
  #stream: WireStream | undefined;
  #done = false;
  readonly #onAbort = (): void => this.#aborted();

  constructor(
    master: Clock,
    client: WireClient,
    signal: AbortSignal | undefined,
    waiting: Waiting,
    onDone: () => void,
  ) {
    this.#master = master;
    this.#client = client;
    this.#signal = signal;
    this.#waiting = waiting;
    this.#onDone = onDone;
    signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  isOf(clock: SkewableClock): boolean {
    return this.#client.clock === clock;
  }

  send(
    request: HttpRequest,
    serverThen: () => { handler: HttpHandler; clock: SkewableClock } | undefined,
  ): void {
    this.#master.setTimer(this.#client.latency(), () => {
      if (this.#done) return;
      const server = serverThen();
      if (!server) return this.#answer(() => refused());
      server.clock.deliver(() => this.#handle(server.handler, request));
    });
  }

  #handle(handler: HttpHandler, request: HttpRequest): void {
    if (this.#done) return;
    handler.request(request, this.#connection.signal).then(
      (response) => this.#answer(() => this.#opened(response)),
      (err: unknown) =>
        this.#answer(() => {
          throw new TransportError("the server ended the connection", { cause: err });
        }),
    );
  }

  /** The server was killed, or its machine sent RST. */
  reset(): void {
    const error = new TransportError("read ECONNRESET");
    if (this.#stream) this.#stream.fail(error);
    else
      this.#answer(() => {
        throw error;
      });
  }

  /** The client's process is gone: the server learns of it, the client of nothing. */
  hangUp(): void {
    this.#finish();
    this.#close();
  }

  #answer(take: () => HttpResponse): void {
    if (this.#done) return;
    const { clock, latency } = this.#client;
    this.#master.setTimer(latency(), () =>
      clock.deliver(() => {
        if (this.#done) return;
        try {
          const response = take();
          if (!this.#stream) this.#finish();
          this.#waiting.resolve(response);
        } catch (err) {
          this.#finish();
          this.#waiting.reject(err);
        }
      }),
    );
  }

  #opened(response: HttpResponse): HttpResponse {
    if (response.body instanceof Uint8Array) return response;
    const { clock, latency, streamLatency = latency } = this.#client;
    this.#stream = new WireStream({
      body: response.body,
      master: this.#master,
      clock,
      latency: streamLatency,
      onClose: () => {
        this.#finish();
        this.#close();
      },
    });
    return { ...response, body: this.#stream };
  }

  #aborted(): void {
    if (this.#done) return;
    const reason: unknown = this.#signal?.reason;
    if (this.#stream) return this.#stream.abort(reason);
    this.#finish();
    this.#close();
    this.#waiting.reject(reason);
  }

  /** FIN on its way to the server. */
  #close(): void {
    this.#master.setTimer(this.#client.latency(), () =>
      this.#connection.abort(new TransportError("closed by the client")),
    );
  }

  #finish(): void {
    if (this.#done) return;
    this.#done = true;
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#onDone();
  }
}
