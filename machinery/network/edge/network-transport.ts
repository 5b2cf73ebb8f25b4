import { type ClientRequest, type IncomingMessage, request as httpRequest } from "node:http";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import type { Clock } from "../../api/clock.js";
import {
  type HttpRequest,
  type HttpResponse,
  type Transport,
  TransportError,
  type Upgraded,
  type UpgradedBytes,
  upgradeKindOf,
} from "../../api/http.js";
import { ConnectionError, type ConnectionErrorReason, type Network, type SocketAddress } from "../network.js";
import { dialBytes, PROTOCOL_HEADER } from "./byte-upgrade.js";
import { ConnectionDuplex } from "./duplex.js";
import { toHttpHeaders } from "./headers.js";
import { drained } from "./send-response.js";
import { dialWebSocket } from "./websocket.js";

export interface NetworkTransportOptions {
  /** The host that dials. */
  network: Network;
  to: SocketAddress;
  /** Absent: plain HTTP. Without `ca` the server's certificate is taken as it is, as a real API server does with kubelets. */
  tls?: { ca?: string; cert?: string; key?: string; servername?: string };
  /** Sent with every request, e.g. `authorization`. */
  headers?: Readonly<Record<string, string>>;
  /** Rejects a dial that takes longer. Default 10 s. */
  connectTimeoutMs?: number;
  /** Ends a TLS handshake that takes longer than ten seconds; absent: it may take for ever. */
  clock?: Clock;
}

const CONNECT_TIMEOUT_MS = 10_000;
/** http.Transport's TLSHandshakeTimeout, as the API server sets it. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/** HTTP to one address of the virtual network, one connection a request. */
export function networkTransport(options: NetworkTransportOptions): Transport {
  const host = `${options.to.ip}:${options.to.port}`;
  const headersOf = (request: HttpRequest): Record<string, string> => ({
    host,
    ...options.headers,
    ...request.headers,
  });
  const upgradeBytes = async (
    request: HttpRequest,
    signal: AbortSignal | undefined,
    more: Record<string, string[]> = {},
  ): Promise<UpgradedBytes> => {
    const headers = { ...headersOf(request), ...more, connection: "Upgrade" };
    return dialBytes(request, headers, await dial(options, signal), signal);
  };
  return {
    async request(request, signal) {
      const socket = await dial(options, signal);
      return await exchange(request, headersOf(request), socket, signal);
    },
    upgradeBytes: (request, signal) => upgradeBytes(request, signal),
    async upgrade(request, protocols, signal): Promise<Upgraded> {
      if (upgradeKindOf(request.headers) === "SPDY/3.1") {
        const { headers, stream } = await upgradeBytes(request, signal, {
          [PROTOCOL_HEADER]: [...protocols],
        });
        return { protocol: headers[PROTOCOL_HEADER] ?? "", stream };
      }
      const socket = await dial(options, signal);
      try {
        return await dialWebSocket({
          url: `ws://${host}${request.path}`,
          headers: headersOf(request),
          protocols,
          createConnection: () => socket,
          ...(signal ? { signal } : {}),
        });
      } catch (err) {
        socket.destroy();
        throw err;
      }
    },
  };
}

/** A connected socket, its TLS handshake done. */
async function dial(options: NetworkTransportOptions, signal: AbortSignal | undefined): Promise<Duplex> {
  const connection = await options.network
    .connect(options.to, {
      timeoutMs: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
      ...(signal ? { signal } : {}),
    })
    .catch((err: unknown) => {
      throw toTransportError(err, options.to);
    });
  const raw = new ConnectionDuplex(connection);
  if (!options.tls) return raw;
  const { ca, servername, ...identity } = options.tls;
  const secure = connectTls({
    socket: raw,
    ...identity,
    ...(ca === undefined ? { rejectUnauthorized: false } : { ca }),
    // Certificates of nodes name the node, not its address.
    checkServerIdentity: () => undefined,
    ...(servername === undefined ? {} : { servername }),
    ALPNProtocols: ["http/1.1"],
  });
  const abort = (): void => void secure.destroy(new Error("aborted"));
  signal?.addEventListener("abort", abort, { once: true });
  const late = options.clock?.setTimer(HANDSHAKE_TIMEOUT_MS, () =>
    secure.destroy(new TransportError("net/http: TLS handshake timeout")),
  );
  try {
    await new Promise<void>((resolve, reject) => {
      secure.once("secureConnect", resolve);
      secure.once("error", (err) => reject(toHandshakeError(err, options.to)));
      secure.once("close", () => reject(toTransportError(new Error("connection closed"), options.to)));
    });
  } finally {
    late?.cancel();
    signal?.removeEventListener("abort", abort);
  }
  return secure;
}

/** What OpenSSL calls an answer that is no TLS: in practice one of HTTP. */
const NOT_TLS = new Set(["ERR_SSL_WRONG_VERSION_NUMBER", "ERR_SSL_PACKET_LENGTH_TOO_LONG"]);

function toHandshakeError(err: Error & { code?: string }, to: SocketAddress): TransportError {
  if (err instanceof TransportError) return err;
  if (NOT_TLS.has(err.code ?? ""))
    return new TransportError("http: server gave HTTP response to HTTPS client", { cause: err });
  return toTransportError(err, to);
}

function exchange(
  request: HttpRequest,
  headers: Record<string, string>,
  socket: Duplex,
  signal: AbortSignal | undefined,
): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    const call = httpRequest({
      method: request.method,
      path: request.path,
      headers,
      // Without an agent: node then asks createConnection and closes after the answer.
      createConnection: () => socket,
      ...(signal ? { signal } : {}),
    });
    call.once("response", (answer: IncomingMessage) => {
      resolve({ status: answer.statusCode ?? 500, headers: toHttpHeaders(answer), body: bodyOf(answer) });
    });
    call.on("error", (err) => reject(new TransportError(err.message, { cause: err })));
    send(request.body, call).catch((err: unknown) => call.destroy(err instanceof Error ? err : undefined));
  });
}

async function send(body: HttpRequest["body"], call: ClientRequest): Promise<void> {
  if (body === undefined || body instanceof Uint8Array) {
    call.end(body);
    return;
  }
  for await (const chunk of body) {
    if (call.destroyed) return;
    if (!call.write(chunk)) await drained(call);
  }
  call.end();
}

async function* bodyOf(answer: IncomingMessage): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of answer) yield chunk as Buffer;
  } catch (err) {
    throw new TransportError("the answer broke off", { cause: err });
  } finally {
    answer.destroy();
  }
}

/** A failed dial in the words of Go's net package, which end up in messages that users search for. */
const CAUSES: Readonly<Record<ConnectionErrorReason, string>> = {
  refused: "connect: connection refused",
  unreachable: "connect: no route to host",
  "timed-out": "i/o timeout",
  reset: "read: connection reset by peer",
  "address-in-use": "bind: address already in use",
  aborted: "operation was canceled",
};

function toTransportError(err: unknown, to: SocketAddress): TransportError {
  const message = err instanceof Error ? err.message : String(err);
  const cause = err instanceof ConnectionError ? CAUSES[err.reason] : message;
  return new TransportError(`dial tcp ${to.ip}:${to.port}: ${cause}`, { cause: err });
}
