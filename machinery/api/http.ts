/**
 * HTTP as the API server and its clients see it: bytes and headers, no sockets. The same values travel over TLS or,
 * in one process, straight into the server's pipeline.
 */
export type HttpHeaders = Readonly<Record<string, string>>;

export interface HttpRequest {
  /** Upper case. */
  method: string;
  /** Path with its query, as on the request line: `/api/v1/pods?watch=1`. */
  path: string;
  /** Names in lower case; repeated headers joined by ", " (`Impersonate-Group` by "\u0000"). */
  headers: HttpHeaders;
  /** Whole bytes, or chunks as they arrive. Absent means empty. */
  body?: Uint8Array | AsyncIterable<Uint8Array>;
  /** Set by the edge from a verified client certificate, never from a header. */
  clientCertificate?: { commonName: string; organizations: readonly string[] };
  /** Set by the edge instead, when a client certificate was shown that does not verify. */
  clientCertificateError?: string;
  /** `ip:port` of the peer, for audit and logs. */
  remoteAddress?: string;
}

export interface HttpResponse {
  status: number;
  headers: HttpHeaders;
  /** A Uint8Array is complete; an iterable streams (a watch does not end). Returning from it early aborts the stream. */
  body: Uint8Array | AsyncIterable<Uint8Array>;
}

/**
 * A two-way byte stream: a virtual TCP connection or an upgraded request. One reader; writes are kept in order.
 * Reading after a reset rejects with a `ConnectionError` of reason "reset".
 */
export interface ByteStream {
  /** Next bytes, or undefined at the peer's end of stream. */
  read(): Promise<Uint8Array | undefined>;
  /** Resolves when the stream can take more (back-pressure). The bytes must not be changed afterwards. */
  write(bytes: Uint8Array): Promise<void>;
  /** Half-close: no more writes; reading goes on. */
  end(): void;
  /** Ends both directions at once (RST). Idempotent. */
  reset(): void;
  /** Resolves when both directions have ended, however they ended; never rejects. */
  readonly closed: Promise<void>;
}

/** A request that turned into a byte stream: exec, attach, port-forward (already past the 101 answer). */
export interface Upgraded {
  /** The protocol the server chose, e.g. `v5.channel.k8s.io`. */
  protocol: string;
  /** For `websocket` the stream carries message payloads through `messages`; see machinery/network/websocket.ts. */
  stream: MessageStream;
}

/** A WebSocket seen as messages (binary), so that the in-process transport needs no framing. */
export interface MessageStream {
  /** Next message, or undefined once the peer closed. */
  read(): Promise<Uint8Array | undefined>;
  write(message: Uint8Array): Promise<void>;
  /** Close code as RFC 6455, default 1000. */
  close(code?: number): void;
  readonly closed: Promise<void>;
}

/** What the client package needs of the world: over HTTP, or a direct call into the API server's pipeline. */
export interface Transport {
  /** Rejects with `TransportError` when no answer came; an HTTP error status is an answer. */
  request(request: HttpRequest, signal?: AbortSignal): Promise<HttpResponse>;
  /**
   * A WebSocket, or SPDY/3.1 where the request's `upgrade` header says so. Rejects with `UpgradeRefused` (carries the
   * HttpResponse) when the server answers without upgrading.
   */
  upgrade(request: HttpRequest, protocols: readonly string[], signal?: AbortSignal): Promise<Upgraded>;
  /** The same for whatever the request's headers ask to become: the answer's headers, and the bytes after them. */
  upgradeBytes?(request: HttpRequest, signal?: AbortSignal): Promise<UpgradedBytes>;
}

export interface UpgradedBytes {
  headers: HttpHeaders;
  stream: MessageStream;
}

/** What an upgraded request speaks. Over SPDY/3.1 the messages of its stream are bytes, in pieces of any size. */
export type UpgradeKind = "websocket" | "SPDY/3.1";

/** The upgrade that a request's headers ask for; undefined for none, and for one that nobody here speaks. */
export function upgradeKindOf(headers: HttpHeaders): UpgradeKind | undefined {
  const wanted = (headers["upgrade"] ?? "").toLowerCase();
  if (wanted === "websocket") return "websocket";
  return wanted === "spdy/3.1" ? "SPDY/3.1" : undefined;
}

/** What the API server's pipeline and the kubelet's server offer to whoever carries their bytes. */
export interface HttpHandler {
  request(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse>;
  /** `accept` answers 101 with the chosen protocol and hands over the stream; not calling it refuses with the response. */
  upgrade(
    request: HttpRequest,
    upgrade: UpgradeRequest,
    signal: AbortSignal,
  ): Promise<HttpResponse | undefined>;
}

export interface UpgradeRequest {
  kind: UpgradeKind;
  /** The client's offers, in its order. */
  protocols: readonly string[];
  accept(protocol: string): MessageStream;
  /** Answers 101 with these headers and hands the bytes over as they are; absent where there is no connection. */
  acceptBytes?(headers: HttpHeaders): MessageStream;
}

/** No answer came: the connection was refused, cut, or timed out. For a write the outcome is unknown. */
export class TransportError extends Error {
  override readonly name = "TransportError";
}

/** Thrown by a handler that gives no answer: whoever carries its bytes ends the connection without one. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
}

/** The server answered an upgrade with an ordinary response. */
export class UpgradeRefused extends Error {
  override readonly name = "UpgradeRefused";
  readonly response: HttpResponse;
  constructor(response: HttpResponse) {
    super(`upgrade refused with ${response.status}`);
    this.response = response;
  }
}

/** Collects a body. Rejects with RangeError when it is longer than `limitBytes`. */
export async function readBody(body: HttpRequest["body"], limitBytes = Infinity): Promise<Uint8Array> {
  if (body === undefined) return new Uint8Array();
  if (body instanceof Uint8Array) {
    if (body.length > limitBytes) throw new RangeError("body too large");
    return body;
  }
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of body) {
    total += chunk.length;
    if (total > limitBytes) throw new RangeError("body too large");
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
}
