import type { MessageStream } from "../../machinery/api/http.js";
import { type Connection, ConnectionError, type Network } from "../../machinery/network/network.js";
import { dialMessage } from "../probes/prober.js";
import { SpdySession, type SpdyStream } from "./spdy-session.js";

/**
 * kubectl's port-forward: SPDY frames inside the messages of a WebSocket. The second name is for peers whose WebSocket
 * code takes no "/" in a protocol.
 */
export const PORT_FORWARD_PROTOCOLS = ["SPDY/3.1+portforward.k8s.io", "portforward.k8s.io"] as const;

interface Pair {
  error?: SpdyStream;
  data?: SpdyStream;
}

export interface PortForwardTarget {
  pod: string;
  uid: string;
  network: Network;
}

// Upstream: pkg/kubelet/cri/streaming/portforward/httpstream.go.
/** Carries connections to the pod's ports until the client leaves. A connection is a pair of streams: data and error. */
export async function portForward(
  wire: MessageStream,
  target: PortForwardTarget,
  signal: AbortSignal,
): Promise<void> {
  const pairs = new Map<string, Pair>();
  const running = new Set<Promise<void>>();
  const gone = new AbortController();
  const both = AbortSignal.any([signal, gone.signal]);
  const session = new SpdySession(wire, (stream) => {
    const id = stream.headers.get("requestid") ?? "";
    const pair = pairs.get(id) ?? {};
    pairs.set(id, pair);
    if (stream.headers.get("streamtype") === "error") pair.error = stream;
    else pair.data = stream;
    const { error, data } = pair;
    if (!error || !data) return;
    pairs.delete(id);
    // Fails only where the client is gone, and then there is nobody to tell.
    const forwarding = forward(error, data, target, both).catch(() => {});
    running.add(forwarding);
    forwarding.finally(() => running.delete(forwarding)).catch(() => {});
  });
  const close = (): void => wire.close(1001);
  signal.addEventListener("abort", close, { once: true });
  await session.run();
  signal.removeEventListener("abort", close);
  gone.abort(new Error("the client is gone"));
  await Promise.all(running);
}

async function forward(
  error: SpdyStream,
  data: SpdyStream,
  target: PortForwardTarget,
  signal: AbortSignal,
): Promise<void> {
  const port = Number(data.headers.get("port"));
  let connection: Connection;
  try {
    connection = await target.network.connect({ ip: "127.0.0.1", port }, { signal });
  } catch (err) {
    await error.write(Buffer.from(refusal(port, target, err)));
    await error.end();
    return data.end();
  }
  const reset = (): void => connection.reset();
  signal.addEventListener("abort", reset, { once: true });
  try {
    await Promise.all([fromPod(connection, data), toPod(connection, data)]);
  } finally {
    signal.removeEventListener("abort", reset);
    connection.reset();
    await error.end();
    await data.end();
  }
}

async function fromPod(connection: Connection, data: SpdyStream): Promise<void> {
  try {
    for (let bytes = await connection.read(); bytes; bytes = await connection.read()) await data.write(bytes);
  } catch (err) {
    if (!(err instanceof ConnectionError)) throw err;
  }
  await data.end();
}

async function toPod(connection: Connection, data: SpdyStream): Promise<void> {
  try {
    for (let bytes = await data.read(); bytes; bytes = await data.read()) await connection.write(bytes);
    connection.end();
  } catch (err) {
    // The program has closed its side; what the client still sends is for nobody.
    if (!(err instanceof ConnectionError)) throw err;
  }
}

function refusal(port: number, { pod, uid }: PortForwardTarget, err: unknown): string {
  const why = dialMessage(err, `127.0.0.1:${port}`).replace("dial tcp ", "dial tcp4 ");
  return `error forwarding port ${port} to pod ${pod}, uid ${uid}: failed to connect to localhost:${port} inside namespace "${pod}", IPv4: ${why} IPv6 dial tcp6: address localhost: no suitable address`;
}
