import { formatAddress } from "../../machinery/network/addresses.js";
import { Http1Client } from "../../machinery/network/http1-client.js";
import { Http1Error } from "../../machinery/network/http1-reader.js";
import { runLoadLoop } from "../../machinery/network/load-loop.js";
import { type Connection, ConnectionError, type SocketAddress } from "../../machinery/network/network.js";
import { ResolveError } from "../../machinery/network/resolver.js";
import type { Image } from "./image.js";
import { type LoadOptions, parseLoadOptions } from "./load-options.js";
import { DatagramClient } from "./load-udp.js";
import { describeNetworkError } from "./network-errors.js";
import type { Process } from "./process.js";

/** A load generator for HTTP, UDP and DNS in an open or a closed loop, one JSON line on stdout for each request. */
export const load: Image = {
  repositories: ["kubesim.dev/load"],
  sizeBytes: 1_204_551,
  entrypoint: ["/load"],
  cmd: [],
  programs: { "/load": runLoad },
};

/** What one request came to; the shape of a line. */
interface Outcome {
  atMs: number;
  tookMs: number;
  outcome: "ok" | "failed" | "unknown";
  status?: number;
  error?: string;
  local?: string;
  /** Of a DNS client: the addresses. */
  answer?: string[];
}

type Answered = Omit<Outcome, "atMs" | "tookMs">;

async function runLoad(process: Process): Promise<number> {
  const options = parseLoadOptions(process.argv.slice(1));
  if (typeof options === "string") {
    await process.stderr.write(`load: ${options}\n`);
    return 2;
  }
  process.onSignal("SIGTERM", () => process.exit(143));
  const { clock, rng, signal } = process;
  const kept: Kept = { idle: [], datagrams: new DatagramClient(process) };
  if (options.startMs > 0) await process.sleep(options.startMs);
  await runLoadLoop(options, {
    clock,
    rng,
    signal,
    sleep: (ms) => process.sleep(ms),
    send: async () => {
      await process.stdout.write(`${JSON.stringify(await requestOnce(process, options, kept))}\n`);
    },
  });
  return 0;
}

interface Pooled {
  connection: Connection;
  client: Http1Client;
}

/** What outlives a request. */
interface Kept {
  idle: Pooled[];
  datagrams: DatagramClient;
}

/** What a timeout ends. */
interface Attempt {
  timedOut: boolean;
  end: () => void;
  /** The head of an answer came. */
  answering?: boolean;
  local?: SocketAddress;
}

async function requestOnce(process: Process, options: LoadOptions, kept: Kept): Promise<Outcome> {
  const { clock } = process;
  const atMs = clock.nowMs();
  const beganMs = clock.monotonicMs();
  const attempt: Attempt = { timedOut: false, end: () => {} };
  const timer = clock.setTimer(options.timeoutMs, () => {
    attempt.timedOut = true;
    attempt.end();
  });
  const outcome = (answered: Answered): Outcome => ({
    atMs: Math.round(atMs),
    tookMs: Math.round((clock.monotonicMs() - beganMs) * 1000) / 1000,
    ...answered,
    // A connection that never opened had a port too, but nobody is told which.
    local: attempt.local ? formatAddress(attempt.local) : process.network.ip,
  });
  const late = `no answer within ${options.timeoutMs} ms`;
  try {
    const answered = await call(process, options, kept, attempt);
    return outcome(attempt.timedOut ? { outcome: "failed", error: late } : answered);
  } catch (err) {
    return outcome({ outcome: "failed", error: attempt.timedOut ? late : describe(err) });
  } finally {
    timer.cancel();
  }
}

function call(process: Process, options: LoadOptions, kept: Kept, attempt: Attempt): Promise<Answered> {
  if (options.url.protocol === "dns:") return lookUp(process, options, attempt);
  return options.url.protocol === "udp:"
    ? sendDatagram(process, options, kept.datagrams, attempt)
    : callHttp(process, options, kept.idle, attempt);
}

async function callHttp(
  process: Process,
  options: LoadOptions,
  idle: Pooled[],
  attempt: Attempt,
): Promise<Answered> {
  const kept = idle.pop();
  if (kept) {
    try {
      return await callOn(kept, options, idle, attempt);
    } catch (err) {
      if (attempt.timedOut || attempt.answering || !isReplayable(options.method)) throw err;
      delete attempt.local;
    }
  }
  return callOn(await open(process, options, attempt), options, idle, attempt);
}

// Upstream: Go's net/http, persistConn.shouldRetryRequest; RFC 9110, section 9.2.2.
/** A kept connection may have been closed while the request was on its way: without a byte of an answer it is sent again. */
const isReplayable = (method: string): boolean => ["GET", "HEAD", "OPTIONS"].includes(method);

async function callOn(
  pooled: Pooled,
  options: LoadOptions,
  idle: Pooled[],
  attempt: Attempt,
): Promise<Answered> {
  attempt.local = pooled.connection.local;
  attempt.end = () => pooled.connection.reset();
  // The time was over while the connection was made: nobody would end it any more.
  if (attempt.timedOut) attempt.end();
  try {
    const status = await exchange(pooled, options, attempt);
    if (options.keepAlive && pooled.client.reusable) idle.push(pooled);
    else pooled.connection.end();
    return { outcome: options.expect.includes(status) ? "ok" : "failed", status };
  } catch (err) {
    pooled.connection.reset();
    throw err;
  }
}

async function open(process: Process, { url, timeoutMs }: LoadOptions, attempt: Attempt): Promise<Pooled> {
  const [ip = ""] = await process.resolver.lookup(url.hostname);
  if (attempt.timedOut) throw new ResolveError("try-again", url.hostname);
  const port = Number(url.port || 80);
  const connection = await process.network.connect({ ip, port }, { timeoutMs });
  return { connection, client: new Http1Client(connection) };
}

async function exchange({ client }: Pooled, options: LoadOptions, attempt: Attempt): Promise<number> {
  const { url, keepAlive, method, headers, body } = options;
  const response = await client.request({
    method,
    path: `${url.pathname}${url.search}`,
    headers: {
      host: url.host,
      "user-agent": "kubesim-load",
      ...(keepAlive ? {} : { connection: "close" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: Buffer.from(body) }),
  });
  attempt.answering = true;
  for await (const _ of response.body) {
    // Read to the end: only a whole answer is an answer.
  }
  return response.status;
}

async function sendDatagram(
  process: Process,
  { url, body = "ping", keepAlive: keep }: LoadOptions,
  datagrams: DatagramClient,
  attempt: Attempt,
): Promise<Answered> {
  const [ip = ""] = await process.resolver.lookup(url.hostname);
  const late = new Promise<undefined>((resolve) => {
    attempt.end = () => resolve(undefined);
  });
  const opened = (local: SocketAddress): void => {
    attempt.local = local;
  };
  const to = { ip, port: Number(url.port) };
  const answered = await datagrams.ask(to, Buffer.from(body), { keep, late, opened });
  return answered ? { outcome: "ok" } : { outcome: "failed", error: "no answer" };
}

/** The resolver has its own timeouts: an answer that comes later than ours has failed. */
async function lookUp(process: Process, { url }: LoadOptions, attempt: Attempt): Promise<Answered> {
  const late = new Promise<Answered>((resolve) => {
    attempt.end = () => resolve({ outcome: "failed" });
  });
  const found = process.resolver.lookup(url.hostname).then((answer): Answered => ({ outcome: "ok", answer }));
  return Promise.race([found, late]);
}

/** Lets pass what is no failure of the network: the program's own end, or a mistake of ours. */
function describe(err: unknown): string {
  if (err instanceof ConnectionError || err instanceof Http1Error || err instanceof ResolveError) {
    return describeNetworkError(err) ?? err.message;
  }
  throw err;
}
