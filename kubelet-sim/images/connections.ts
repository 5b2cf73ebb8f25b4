import { ConnectionError, type Connection } from "../../machinery/network/network.js";
import { ResolveError } from "../../machinery/network/resolver.js";
import type { Image } from "./image.js";
import { describeNetworkError } from "./network-errors.js";
import type { Process } from "./process.js";

/** A client that behaves badly: opens connections and says nothing, or talks and listens a byte at a time. */
export const connections: Image = {
  repositories: ["kubesim.dev/connections"],
  sizeBytes: 1_109_337,
  entrypoint: ["/connections"],
  cmd: [],
  programs: { "/connections": runConnections },
};

const MOST_CONNECTIONS = 5000;
const MOST_PER_SECOND = 2000;
const DIAL_TIMEOUT_MS = 3000;
const RESOLVE_RETRY_MS = 1000;

interface Options {
  url: URL;
  behaviour: "silent" | "slow";
  /** Open at one time. */
  most: number;
  perSecond: number;
  /** Of the slow ones, between two bytes. */
  byteMs: number;
}

async function runConnections(process: Process): Promise<number> {
  const options = parseOptions(process.argv.slice(1));
  if (typeof options === "string") {
    await process.stderr.write(`connections: ${options}\n`);
    return 2;
  }
  process.onSignal("SIGTERM", () => process.exit(143));
  const ip = await resolve(process, options.url.hostname);
  const to = { ip, port: Number(options.url.port || 80) };
  const open = new Set<Connection>();
  for (;;) {
    await process.sleep(1000 / options.perSecond);
    if (open.size >= options.most) {
      if (options.behaviour === "slow") continue;
      // A silent client gives up the oldest, as a flood from addresses that do not exist is forgotten.
      const [oldest] = open;
      oldest?.reset();
      if (oldest) open.delete(oldest);
    }
    process.background(() => hold(process, options, to, open));
  }
}

async function resolve(process: Process, hostname: string): Promise<string> {
  for (;;) {
    try {
      const [ip] = await process.resolver.lookup(hostname);
      if (ip !== undefined) return ip;
    } catch (err) {
      if (!(err instanceof ResolveError)) throw err;
      await process.stderr.write(`connections: ${describeNetworkError(err) ?? err.message}\n`);
    }
    await process.sleep(RESOLVE_RETRY_MS);
  }
}

async function hold(
  process: Process,
  options: Options,
  to: { ip: string; port: number },
  open: Set<Connection>,
): Promise<void> {
  let connection: Connection | undefined;
  try {
    connection = await process.network.connect(to, { timeoutMs: DIAL_TIMEOUT_MS });
    open.add(connection);
    if (options.behaviour === "silent") await connection.closed;
    else await talkSlowly(process, connection, options);
  } catch (err) {
    if (!(err instanceof ConnectionError)) throw err;
  } finally {
    if (connection) open.delete(connection);
  }
}

/** One request and its answer. */
async function talkSlowly(process: Process, connection: Connection, { url, byteMs }: Options): Promise<void> {
  const request = Buffer.from(
    `GET ${url.pathname} HTTP/1.1\r\nhost: ${url.host}\r\nconnection: close\r\n\r\n`,
  );
  for (const byte of request) {
    await connection.write(Uint8Array.of(byte));
    await process.sleep(byteMs);
  }
  for (let chunk = await connection.read(); chunk; chunk = await connection.read())
    await process.sleep(byteMs * chunk.length);
  connection.end();
}

function parseOptions(args: readonly string[]): Options | string {
  const values = new Map(args.map((arg) => arg.replace(/^--/, "").split(/=(.*)/s) as [string, string]));
  const text = values.get("url") ?? "";
  if (!URL.canParse(text) || new URL(text).protocol !== "http:")
    return `--url must be http://…, not "${text}"`;
  const behaviour = values.get("behaviour") ?? "silent";
  if (behaviour !== "silent" && behaviour !== "slow") return "--behaviour must be silent or slow";
  const [most, perSecond, byteMs] = [
    Number(values.get("most") ?? 100),
    Number(values.get("per-second") ?? 100),
    Number(values.get("byte-ms") ?? 100),
  ];
  if (!(most >= 1 && most <= MOST_CONNECTIONS)) return `--most must be from 1 to ${MOST_CONNECTIONS}`;
  if (!(perSecond > 0 && perSecond <= MOST_PER_SECOND))
    return `--per-second must be above 0 and at most ${MOST_PER_SECOND}`;
  if (!(byteMs >= 1)) return "--byte-ms must be at least 1";
  return { url: new URL(text), behaviour, most, perSecond, byteMs };
}
