import { formatAddress, isIp } from "../../machinery/network/addresses.js";
import { Http1Client } from "../../machinery/network/http1-client.js";
import { Http1Error } from "../../machinery/network/http1-reader.js";
import { type Connection, ConnectionError } from "../../machinery/network/network.js";
import { ResolveError } from "../../machinery/network/resolver.js";
import type { Image } from "./image.js";
import { describeNetworkError } from "./network-errors.js";
import type { Process } from "./process.js";

/** A load generator: an open loop of GETs, one JSON line on stdout for each request. */
export const load: Image = {
  repositories: ["kubesim.dev/load"],
  sizeBytes: 1_204_551,
  entrypoint: ["/load"],
  cmd: [],
  programs: { "/load": runLoad },
};

interface LoadOptions {
  url: URL;
  perSecond: number;
  durationMs: number;
  timeoutMs: number;
  keepAlive: boolean;
}

/** What one request came to; the shape of a line. */
interface Outcome {
  atMs: number;
  tookMs: number;
  outcome: "ok" | "failed" | "unknown";
  status?: number;
  error?: string;
  local?: string;
}

/** More requests than this under way at once would measure the generator, not the Service. */
const MOST_UNDER_WAY = 2000;

async function runLoad(process: Process): Promise<number> {
  const options = parseOptions(process.argv.slice(1));
  if (typeof options === "string") {
    await process.stderr.write(`load: ${options}\n`);
    return 2;
  }
  process.onSignal("SIGTERM", () => process.exit(143));
  const { clock } = process;
  const idle: Pooled[] = [];
  const startedMs = clock.monotonicMs();
  const periodMs = 1000 / options.perSecond;
  const total = Math.floor(options.durationMs / periodMs);
  const underWay = new Set<Promise<void>>();
  for (let i = 0; i < total; i++) {
    const waitMs = startedMs + i * periodMs - clock.monotonicMs();
    if (waitMs > 0) await process.sleep(waitMs);
    if (underWay.size >= MOST_UNDER_WAY) await Promise.race(underWay);
    const request = requestOnce(process, options, idle)
      .then((outcome) => process.stdout.write(`${JSON.stringify(outcome)}\n`))
      .finally(() => underWay.delete(request));
    underWay.add(request);
  }
  await Promise.all(underWay);
  return 0;
}

interface Pooled {
  connection: Connection;
  client: Http1Client;
}

async function requestOnce(process: Process, options: LoadOptions, idle: Pooled[]): Promise<Outcome> {
  const { clock } = process;
  const atMs = clock.nowMs();
  const beganMs = clock.monotonicMs();
  let pooled: Pooled | undefined;
  let timedOut = false;
  const timer = clock.setTimer(options.timeoutMs, () => {
    timedOut = true;
    pooled?.connection.reset();
  });
  const outcome = (rest: Omit<Outcome, "atMs" | "tookMs">): Outcome => ({
    atMs: Math.round(atMs),
    tookMs: Math.round((clock.monotonicMs() - beganMs) * 1000) / 1000,
    ...rest,
    // A connection that never opened had a port too, but nobody is told which.
    local: pooled ? formatAddress(pooled.connection.local) : process.network.ip,
  });
  try {
    pooled = idle.pop() ?? (await open(process, options));
    const status = await get(pooled, options);
    if (options.keepAlive && pooled.client.reusable) idle.push(pooled);
    else pooled.connection.end();
    return outcome({ outcome: status === 200 ? "ok" : "failed", status });
  } catch (err) {
    pooled?.connection.reset();
    return outcome({
      outcome: "failed",
      error: timedOut ? `no answer within ${options.timeoutMs} ms` : describe(err),
    });
  } finally {
    timer.cancel();
  }
}

async function open(process: Process, { url, timeoutMs }: LoadOptions): Promise<Pooled> {
  const [ip = ""] = await process.resolver.lookup(url.hostname);
  const port = Number(url.port || 80);
  const connection = await process.network.connect({ ip, port }, { timeoutMs });
  return { connection, client: new Http1Client(connection) };
}

async function get({ client }: Pooled, { url, keepAlive }: LoadOptions): Promise<number> {
  const response = await client.request({
    method: "GET",
    path: `${url.pathname}${url.search}`,
    headers: { host: url.host, "user-agent": "kubesim-load", ...(keepAlive ? {} : { connection: "close" }) },
  });
  for await (const _ of response.body) {
    // Read to the end: only a whole answer is an answer.
  }
  return response.status;
}

/** Lets pass what is no failure of the network: the program's own end, or a mistake of ours. */
function describe(err: unknown): string {
  if (err instanceof ConnectionError || err instanceof Http1Error || err instanceof ResolveError) {
    return describeNetworkError(err) ?? err.message;
  }
  throw err;
}

/** The options, or what is wrong with them. */
function parseOptions(args: readonly string[]): LoadOptions | string {
  const values = new Map(
    args.map((arg) => {
      const [name = "", value = "true"] = arg.replace(/^--/, "").split(/=(.*)/s);
      return [name, value];
    }),
  );
  const text = values.get("url") ?? "";
  if (!URL.canParse(text)) return `--url is not a URL: "${text}"`;
  const url = new URL(text);
  if (url.protocol !== "http:" || (url.hostname === "" && !isIp(url.hostname)))
    return `--url must be http://…, not "${text}"`;
  const options = {
    url,
    perSecond: Number(values.get("per-second") ?? 10),
    durationMs: Number(values.get("duration-ms") ?? 10_000),
    timeoutMs: Number(values.get("timeout-ms") ?? 2000),
    keepAlive: values.get("keep-alive") === "true",
  };
  const positive = [options.perSecond, options.durationMs, options.timeoutMs].every(
    (n) => Number.isFinite(n) && n > 0,
  );
  return positive ? options : "--per-second, --duration-ms and --timeout-ms must be positive numbers";
}
