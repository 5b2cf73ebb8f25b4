import { formatAddress } from "../../machinery/network/addresses.js";
import { readBody } from "../../machinery/api/http.js";
import { Http1Client } from "../../machinery/network/http1-client.js";
import { Http1Error } from "../../machinery/network/http1-reader.js";
import type { Http1Answer, Http1Request } from "../../machinery/network/http1-server.js";
import { ConnectionError, type UdpSocket } from "../../machinery/network/network.js";
import { ResolveError } from "../../machinery/network/resolver.js";
import { readAll, parseDurationMs } from "../shell/tool.js";
import { runHttpService } from "./http-service.js";
import type { Process } from "./process.js";
import { goFlags, goLogTime, jsonAnswer, splitTarget, textAnswer } from "./text-answer.js";

const DIAL_TIMEOUT_MS = 5000;
const LARGEST_DIAL_COUNT = 1000;

/** agnhost netexec: small handlers for tests of networking, on HTTP and UDP. */
export async function runNetexec(process: Process): Promise<number> {
  const flags = goFlags(process.argv.slice(2));
  const httpPort = Number(flags.get("http-port") ?? 8080);
  const udpPort = Number(flags.get("udp-port") ?? 8081);
  const log = (text: string): void =>
    process.background(() => process.stderr.write(`${goLogTime(process.clock.nowMs())} ${text}\n`));
  if (udpPort > 0) {
    const socket = process.network.bindUdp(udpPort);
    process.background(() => serveUdp(process, socket));
    log(`Started UDP server on port  ${udpPort}`);
  }
  return runHttpService(process, {
    ports: [httpPort],
    onListening: () => log(`Started HTTP server on port ${httpPort}`),
    handler: async (request) => {
      log(`${request.method} ${request.path}`);
      return answer(process, request);
    },
    stopOn: {
      SIGTERM: { how: "graceful", exitCode: 0 },
      SIGINT: { how: "fast", exitCode: 2 },
    },
  });
}

async function answer(process: Process, request: Http1Request): Promise<Http1Answer> {
  const { path, query } = splitTarget(request);
  const { remote } = request.connection;
  switch (path.toLowerCase()) {
    case "/":
      return textAnswer(`NOW: ${new Date(process.clock.nowMs()).toISOString()}`);
    case "/hostname":
      return textAnswer(process.hostname);
    case "/clientip":
      return textAnswer(formatAddress(remote));
    case "/echo":
      return textAnswer(query.get("msg") ?? "", Number(query.get("code") ?? 200));
    case "/header":
      return textAnswer(request.headers[(query.get("key") ?? "").toLowerCase()] ?? "");
    case "/healthz":
      return textAnswer("");
    case "/redirect":
      return textAnswer("", Number(query.get("code") ?? 302), { location: query.get("location") ?? "/" });
    case "/exit":
    case "/shutdown":
      return exitSoon(process, query);
    case "/shell":
      return runShell(process, query.get("shellCommand") ?? query.get("cmd") ?? "");
    case "/dial":
      return dial(process, query);
    default:
      return textAnswer("404 page not found\n", 404);
  }
}

/** The answer goes out first. */
function exitSoon(process: Process, query: URLSearchParams): Http1Answer {
  const waitMs = parseDurationMs(query.get("wait") ?? query.get("timeout") ?? "0") ?? 0;
  process.clock.setTimer(Math.max(1, waitMs), () => process.exit(Number(query.get("code") ?? 0)));
  return textAnswer("");
}

async function runShell(process: Process, command: string): Promise<Http1Answer> {
  const { reader, writer } = process.pipe();
  const descriptors = new Map([
    [1, writer],
    [2, writer],
  ]);
  const child = process.spawn({ argv: ["/bin/sh", "-c", command], descriptors });
  writer.close();
  const output = (await readAll(reader)).toString("utf8");
  reader.close();
  const { exitCode } = await child.exited;
  return jsonAnswer(exitCode === 0 ? { output } : { error: `exit status ${exitCode}`, output });
}

/** `/dial?host&port&protocol=http|udp&request=hostname&tries=1`: what other pods answer to this one. */
async function dial(process: Process, query: URLSearchParams): Promise<Http1Answer> {
  const host = query.get("host") ?? "";
  const port = Number(query.get("port") ?? 0);
  const protocol = query.get("protocol") ?? "http";
  const request = query.get("request") ?? "hostname";
  const tries = Math.min(LARGEST_DIAL_COUNT, Number(query.get("tries") ?? 1));
  const responses: string[] = [];
  const errors: string[] = [];
  for (let i = 0; i < tries; i++) {
    try {
      const [ip = ""] = await process.resolver.lookup(host);
      const ask = protocol === "udp" ? askUdp : askHttp;
      responses.push(await ask(process, { ip, port }, request));
    } catch (err) {
      if (!(err instanceof ConnectionError || err instanceof ResolveError || err instanceof Http1Error))
        throw err;
      errors.push(err.message);
    }
  }
  return jsonAnswer({
    ...(responses.length > 0 ? { responses } : {}),
    ...(errors.length > 0 ? { errors } : {}),
  });
}

async function askHttp(process: Process, to: { ip: string; port: number }, request: string): Promise<string> {
  const connection = await process.network.connect(to, { timeoutMs: DIAL_TIMEOUT_MS });
  const timer = process.clock.setTimer(DIAL_TIMEOUT_MS, () => connection.reset());
  try {
    const response = await new Http1Client(connection).request({
      method: "GET",
      path: `/${request}`,
      headers: { host: formatAddress(to), connection: "close" },
    });
    return Buffer.from(await readBody(response.body)).toString("utf8");
  } finally {
    timer.cancel();
    connection.reset();
  }
}

async function askUdp(process: Process, to: { ip: string; port: number }, request: string): Promise<string> {
  const socket = process.network.bindUdp(0);
  const timer = process.clock.setTimer(DIAL_TIMEOUT_MS, () => socket.close());
  try {
    socket.send(to, Buffer.from(request, "utf8"));
    const datagram = await socket.receive();
    if (!datagram) throw new ConnectionError("timed-out", "reading from udp connection failed: i/o timeout");
    return Buffer.from(datagram.bytes).toString("utf8");
  } finally {
    timer.cancel();
    socket.close();
  }
}

/** UDP takes `hostname`, `echo <text>` and `clientip`. */
async function serveUdp(process: Process, socket: UdpSocket): Promise<void> {
  for (let datagram = await socket.receive(); datagram; datagram = await socket.receive()) {
    const text = Buffer.from(datagram.bytes).toString("utf8").trim();
    const { from } = datagram;
    const reply = (answerText: string): void => socket.send(from, Buffer.from(answerText, "utf8"));
    if (text.toLowerCase() === "hostname") reply(process.hostname);
    else if (text.toLowerCase() === "clientip") reply(formatAddress(from));
    else if (text.startsWith("echo ")) reply(text.slice(5));
  }
}
