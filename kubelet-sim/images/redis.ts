import { type Connection, ConnectionError } from "../../machinery/network/network.js";
import { ResolveError } from "../../machinery/network/resolver.js";
import { shellPrograms } from "../shell/programs.js";
import { linesOf } from "../shell/tool.js";
import type { Image } from "./image.js";
import { describeNetworkError } from "./network-errors.js";
import type { Process } from "./process.js";
import { encodeCommand, encodeReply, RedisProtocolError, RedisReader, type Reply } from "./redis-protocol.js";
import { RedisStore } from "./redis-store.js";

const PORT = 6379;
const VERSION = "7.4.5";

/** One Redis server without persistence or replication, and redis-cli. */
export const redis: Image = {
  repositories: [
    "docker.io/library/redis",
    "docker.io/valkey/valkey",
    "public.ecr.aws/docker/library/redis",
    "mirror.gcr.io/library/redis",
    "registry.k8s.io/redis",
  ],
  sizeBytes: 50_500_000,
  entrypoint: ["docker-entrypoint.sh"],
  cmd: ["redis-server"],
  env: () => ({ REDIS_VERSION: VERSION }),
  workingDir: "/data",
  programs: {
    ...shellPrograms,
    "/usr/local/bin/docker-entrypoint.sh": entrypoint,
    "/usr/local/bin/redis-server": runServer,
    "/usr/local/bin/valkey-server": runServer,
    "/usr/local/bin/redis-cli": runClient,
    "/usr/local/bin/valkey-cli": runClient,
  },
};

async function entrypoint(process: Process): Promise<number> {
  const [, ...argv] = process.argv;
  const isOption = argv[0] === undefined || argv[0].startsWith("-") || argv[0].endsWith(".conf");
  return process.exec(isOption ? ["redis-server", ...argv] : argv);
}

async function runServer(process: Process): Promise<number> {
  const at = process.argv.indexOf("--port");
  const port = at < 0 ? PORT : Number(process.argv[at + 1]);
  const log = async (text: string): Promise<void> => {
    const [, day, month, year, time] = new Date(process.clock.nowMs()).toUTCString().split(" ");
    await process.stdout.write(`${process.id}:M ${day} ${month} ${year} ${time}.000 * ${text}\n`);
  };
  const store = new RedisStore(() => process.clock.nowMs());
  const listener = process.network.listen(port, (connection) =>
    process.background(() => serveConnection(connection, store)),
  );
  await log(
    `Redis version=${VERSION}, bits=64, commit=00000000, modified=0, pid=${process.id}, just started`,
  );
  await log(`Running mode=standalone, port=${port}.`);
  await log("Ready to accept connections tcp");
  const signal = await new Promise<string>((resolve) => {
    process.onSignal("SIGTERM", () => resolve("SIGTERM"));
    process.onSignal("SIGINT", () => resolve("SIGINT"));
  });
  listener.close();
  await log(`Received ${signal} scheduling shutdown...`);
  await log("Redis is now ready to exit, bye bye...");
  return 0;
}

async function serveConnection(connection: Connection, store: RedisStore): Promise<void> {
  const reader = new RedisReader(connection);
  try {
    for (let words = await reader.readCommand(); words; words = await reader.readCommand()) {
      if (words.length === 0) continue;
      const quits = words[0]?.toLowerCase() === "quit";
      const reply = quits ? { status: "OK" } : store.execute(words);
      await connection.write(Buffer.from(encodeReply(reply), "utf8"));
      if (quits) break;
    }
  } catch (err) {
    if (!(err instanceof RedisProtocolError)) throw err;
    await connection.write(Buffer.from(encodeReply({ error: `ERR ${err.message}` }), "utf8"));
  }
  connection.end();
}

/** `redis-cli [-h host] [-p port] [command…]`, else commands from standard input. */
async function runClient(process: Process): Promise<number> {
  const args = process.argv.slice(1);
  const options = new Map<string, string>();
  while (/^-[hpna]$/.test(args[0] ?? "")) options.set(args.shift() ?? "", args.shift() ?? "");
  const host = options.get("-h") ?? "127.0.0.1";
  const port = Number(options.get("-p") ?? PORT);
  let connection: Connection;
  try {
    const [ip = ""] = await process.resolver.lookup(host);
    connection = await process.network.connect({ ip, port });
  } catch (err) {
    if (!(err instanceof ConnectionError || err instanceof ResolveError)) throw err;
    const why = describeNetworkError(err) ?? "Name or service not known";
    await process.stderr.write(`Could not connect to Redis at ${host}:${port}: ${why}\n`);
    return 1;
  }
  const reader = new RedisReader(connection);
  const ask = async (words: readonly string[]): Promise<boolean> => {
    await connection.write(Buffer.from(encodeCommand(words), "utf8"));
    const reply = await reader.readReply();
    if (reply === undefined) return false;
    await process.stdout.write(`${show(reply, process.stdout.terminal !== undefined)}\n`);
    return true;
  };
  if (args.length > 0) return (await ask(args)) ? 0 : 1;
  const prompt = process.stdin.terminal ? `${host}:${port}> ` : "";
  await process.stdout.write(prompt);
  for await (const line of linesOf(process.stdin)) {
    const words = (line.match(/"[^"]*"|'[^']*'|\S+/g) ?? []).map((word) =>
      word.replace(/^(["'])(.*)\1$/, "$2"),
    );
    if (words[0] === "exit" || words[0] === "quit") break;
    if (words.length > 0 && !(await ask(words))) break;
    await process.stdout.write(prompt);
  }
  return 0;
}

/** Typed on a terminal, plain otherwise, as redis-cli does. */
function show(reply: Reply, typed: boolean): string {
  if (reply === null) return typed ? "(nil)" : "";
  if (typeof reply === "number") return typed ? `(integer) ${reply}` : String(reply);
  if (typeof reply === "string") return typed ? JSON.stringify(reply) : reply;
  if (Array.isArray(reply)) {
    if (!typed) return reply.map((item) => show(item, false)).join("\n");
    return reply.length === 0
      ? "(empty array)"
      : reply.map((item, i) => `${i + 1}) ${show(item, true)}`).join("\n");
  }
  if ("status" in reply) return reply.status;
  return typed ? `(error) ${reply.error}` : reply.error;
}
