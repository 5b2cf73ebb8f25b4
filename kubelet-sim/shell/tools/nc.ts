import { type Connection, ConnectionError } from "../../../machinery/network/network.js";
import { ResolveError } from "../../../machinery/network/resolver.js";
import { describeNetworkError } from "../../images/network-errors.js";
import type { Process } from "../../images/process.js";
import type { Options } from "../text/options.js";
import { complain, tool } from "../tool.js";

/**
 * nc: `nc host port`, `nc -l [-p] port`, `-z` only tries, `-u` UDP, `-w` seconds, `-v`, `-k`, `-e program`; without `-l`, `-p`
 * is the port that datagrams are sent from.
 */
export const nc = tool({ flags: "lzuvnkN46", values: "pwqis" }, async (process, options) => {
  const numbers = options.operands.filter((text) => /^\d+(-\d+)?$/.test(text));
  const own = options.value("p");
  const port = Number((options.has("l") ? own : undefined) ?? numbers.at(-1));
  if (!(port >= 0 && port <= 65_535)) {
    await process.stderr.write(
      "BusyBox v1.36.1 multi-call binary.\n\nUsage: nc [-luz] [-p PORT] [-w SEC] HOST PORT\n",
    );
    return 1;
  }
  if (options.has("l")) return options.has("u") ? listenUdp(process, port) : listen(process, options, port);
  const [host = ""] = options.operands;
  let ip: string;
  try {
    [ip = ""] = await process.resolver.lookup(host);
  } catch (err) {
    if (!(err instanceof ResolveError)) throw err;
    await complain(process, `bad address '${host}'`);
    return 1;
  }
  return options.has("u")
    ? sendUdp(process, options, { ip, port }, Number(own ?? 0))
    : dial(process, options, { host, ip, port });
});

async function dial(
  process: Process,
  options: Options,
  { host, ip, port }: { host: string; ip: string; port: number },
): Promise<number> {
  const timeoutMs = options.has("w") ? Number(options.value("w")) * 1000 : undefined;
  let connection: Connection;
  try {
    connection = await process.network.connect({ ip, port }, timeoutMs === undefined ? {} : { timeoutMs });
  } catch (err) {
    if (!(err instanceof ConnectionError)) throw err;
    if (!options.has("z") || options.has("v"))
      await complain(process, `${host} (${ip}:${port}): ${describeNetworkError(err)}`);
    return 1;
  }
  if (options.has("v")) await process.stderr.write(`${host} (${ip}:${port}) open\n`);
  if (options.has("z")) {
    connection.end();
    connection.reset();
    return 0;
  }
  await relay(process, connection, timeoutMs);
  return 0;
}

/** Input goes out and what comes back is printed, until the peer ends. */
async function relay(process: Process, connection: Connection, idleMs?: number): Promise<void> {
  const timer = idleMs === undefined ? undefined : process.clock.setTimer(idleMs, () => connection.reset());
  process.background(async () => {
    for (let bytes = await process.stdin.read(); bytes; bytes = await process.stdin.read()) {
      await connection.write(bytes);
    }
    connection.end();
  });
  try {
    for (let bytes = await connection.read(); bytes; bytes = await connection.read()) {
      await process.stdout.write(bytes);
    }
  } catch (err) {
    if (!(err instanceof ConnectionError)) throw err;
  } finally {
    timer?.cancel();
    connection.end();
  }
}

async function listen(process: Process, options: Options, port: number): Promise<number> {
  const waiting: Connection[] = [];
  let wake = (): void => {};
  const listener = process.network.listen(port, (connection) => {
    waiting.push(connection);
    wake();
  });
  if (options.has("v")) await process.stderr.write(`listening on 0.0.0.0:${port} ...\n`);
  for (;;) {
    const connection = waiting.shift();
    if (!connection) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      continue;
    }
    if (!options.has("k")) listener.close();
    await relay(process, connection);
    if (!options.has("k")) return 0;
  }
}

async function listenUdp(process: Process, port: number): Promise<number> {
  const socket = process.network.bindUdp(port);
  for (let datagram = await socket.receive(); datagram; datagram = await socket.receive()) {
    await process.stdout.write(datagram.bytes);
  }
  return 0;
}

async function sendUdp(
  process: Process,
  options: Options,
  to: { ip: string; port: number },
  from: number,
): Promise<number> {
  const socket = process.network.bindUdp(from);
  if (options.has("w")) process.clock.setTimer(Number(options.value("w")) * 1000, () => socket.close());
  process.background(async () => {
    for (let bytes = await process.stdin.read(); bytes; bytes = await process.stdin.read()) {
      socket.send(to, bytes);
    }
  });
  for (let datagram = await socket.receive(); datagram; datagram = await socket.receive()) {
    await process.stdout.write(datagram.bytes);
  }
  return 0;
}
