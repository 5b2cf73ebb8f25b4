import {
  type HttpHandler,
  type HttpRequest,
  type HttpResponse,
  type MessageStream,
  type Transport,
  TransportError,
  type Upgraded,
  UpgradeRefused,
  upgradeKindOf,
} from "../api/http.js";
import { abortable } from "./abortable.js";
import { messagePipe } from "./message-pipe.js";

/** Who the caller is: what TLS or a header would say. */
export interface DirectIdentity {
  clientCertificate?: { commonName: string; organizations: readonly string[] };
  token?: string;
  remoteAddress?: string;
}

/** Calls a pipeline in the same process. Only bytes cross it: nothing that one side changes is seen by the other. */
export function directTransport(handler: HttpHandler, identity: DirectIdentity = {}): Transport {
  const identified = (request: HttpRequest): HttpRequest => ({
    ...request,
    headers:
      identity.token === undefined
        ? request.headers
        : { authorization: `Bearer ${identity.token}`, ...request.headers },
    ...(identity.clientCertificate ? { clientCertificate: identity.clientCertificate } : {}),
    remoteAddress: identity.remoteAddress ?? "127.0.0.1:0",
  });
  return {
    request: (request, signal) => callHandler(handler, identified(request), signal),
    upgrade: (request, protocols, signal) => callUpgrade(handler, identified(request), protocols, signal),
  };
}

async function callHandler(
  handler: HttpHandler,
  request: HttpRequest,
  signal: AbortSignal | undefined,
): Promise<HttpResponse> {
  signal?.throwIfAborted();
  const connection = new Connection(signal);
  let response: HttpResponse;
  try {
    response = await connection.orAborted(handler.request(request, connection.signal));
  } catch (err) {
    connection.close();
    if (signal?.aborted) throw signal.reason;
    throw new TransportError("the server ended the connection", { cause: err });
  }
  if (response.body instanceof Uint8Array) {
    connection.detach();
    return response;
  }
  return { ...response, body: connection.stream(response.body) };
}

async function callUpgrade(
  handler: HttpHandler,
  request: HttpRequest,
  protocols: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Upgraded> {
  signal?.throwIfAborted();
  const connection = new Connection(signal);
  const [near, far] = messagePipe();
  return new Promise<Upgraded>((resolve, reject) => {
    connection.signal.addEventListener("abort", () => near.close(1006), { once: true });
    const accept = (protocol: string): MessageStream => {
      resolve({ protocol, stream: near });
      return far;
    };
    const kind = upgradeKindOf(request.headers) ?? "websocket";
    handler.upgrade(request, { kind, protocols, accept }, connection.signal).then(
      (response) => {
        if (response) reject(new UpgradeRefused(response));
      },
      (err: unknown) => {
        far.close(1011);
        reject(new TransportError("the server ended the connection", { cause: err }));
      },
    );
    near.closed.then(
      () => connection.close(),
      () => {},
    );
  });
}

/** The life of one call: ends with the caller's signal or when the caller stops reading. */
class Connection {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #onAbort = (): void => this.#controller.abort(this.#outer?.reason);

  constructor(outer: AbortSignal | undefined) {
    this.#outer = outer;
    outer?.addEventListener("abort", this.#onAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  orAborted<T>(answer: Promise<T>): Promise<T> {
    if (!this.#outer) return answer;
    return new Promise((resolve, reject) => {
      const onAbort = (): void => reject(this.#outer?.reason);
      this.signal.addEventListener("abort", onAbort, { once: true });
      answer.then(resolve, reject).finally(() => this.signal.removeEventListener("abort", onAbort));
    });
  }

  async *stream(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      yield* abortable(body, this.signal);
    } finally {
      this.close();
    }
  }

  detach(): void {
    this.#outer?.removeEventListener("abort", this.#onAbort);
  }

  close(): void {
    this.detach();
    this.#controller.abort(new TransportError("closed by the client"));
  }
}
