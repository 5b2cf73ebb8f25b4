import { formatAddress } from "../../../machinery/network/addresses.js";
import { Http1Client, type Http1Response } from "../../../machinery/network/http1-client.js";
import { Http1Error } from "../../../machinery/network/http1-reader.js";
import { encodeHead } from "../../../machinery/network/http1-writer.js";
import { type Connection, ConnectionError } from "../../../machinery/network/network.js";
import { ResolveError } from "../../../machinery/network/resolver.js";
import { FileError } from "../../images/files.js";
import { BrokenPipe, type OpenFile, type Process } from "../../images/process.js";
import { formatWriteOut, type Transfer } from "../curl-write-out.js";
import { type HttpUrl, parseHttpUrl } from "../http-url.js";
import { type Options, parseOptions, UsageError } from "../text/options.js";
import { readAll } from "../tool.js";

const VERSION = "8.14.1";
const MOST_REDIRECTS = 50;
const MOST_RETRIES = 100;

const SPEC = {
  flags: "sSiIvkfLgGNO4#",
  values: "owXdHmAurebDT",
  long: {
    silent: "s",
    "show-error": "S",
    include: "i",
    head: "I",
    verbose: "v",
    insecure: "k",
    fail: "f",
    location: "L",
    output: "o",
    "write-out": "w",
    request: "X",
    data: "d",
    "data-raw=": "",
    "data-binary=": "",
    header: "H",
    "max-time": "m",
    "connect-timeout=": "",
    "user-agent": "A",
    user: "u",
    get: "G",
    "no-buffer": "N",
    "remote-name": "O",
    "retry=": "",
    "retry-delay=": "",
    "retry-connrefused": "",
    "retry-all-errors": "",
    "resolve=": "",
    "cacert=": "",
    "no-progress-meter": "",
    "fail-with-body": "",
    "http1.1": "",
    compressed: "",
    ipv4: "4",
    version: "",
    "url=": "",
  },
};

/** An end of curl: its exit code and message. */
class CurlError extends Error {
  override readonly name = "CurlError";
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** curl, as far as HTTP/1.1 without TLS goes. */
export async function curl(process: Process): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(process.argv.slice(1), SPEC);
  } catch (err) {
    if (!(err instanceof UsageError)) throw err;
    await process.stderr.write(
      `curl: option ${err.message.replace(/^.*?('|-- ')/, "").replaceAll("'", "")}: is unknown\ncurl: try 'curl --help' or 'curl --manual' for more information\n`,
    );
    return 2;
  }
  if (options.has("version")) {
    await process.stdout.write(`curl ${VERSION} (x86_64-alpine-linux-musl)\nProtocols: http\n`);
    return 0;
  }
  const urls = [...options.operands, ...options.all("url")];
  if (urls.length === 0) {
    await process.stderr.write(
      "curl: (2) no URL specified\ncurl: try 'curl --help' or 'curl --manual' for more information\n",
    );
    return 2;
  }
  let status = 0;
  for (const url of urls) status = await withRetries(process, options, url);
  return status;
}

async function withRetries(process: Process, options: Options, url: string): Promise<number> {
  const retries = Math.min(MOST_RETRIES, Number(options.value("retry") ?? 0));
  for (let attempt = 0; ; attempt++) {
    const code = await transferOnce(process, options, url);
    if (code === 0 || attempt >= retries) return code;
    if (code === 7 && !options.has("retry-connrefused") && !options.has("retry-all-errors")) return code;
    const delayMs = options.has("retry-delay")
      ? Number(options.value("retry-delay")) * 1000
      : 1000 * 2 ** attempt;
    await process.sleep(delayMs);
  }
}

async function transferOnce(process: Process, options: Options, text: string): Promise<number> {
  const startedAtMs = process.clock.monotonicMs();
  const transfer: Transfer = { url: text, startedAtMs, sizeBytes: 0, redirects: 0, status: 0 };
  let code = 0;
  try {
    await transferAll(process, options, transfer);
  } catch (err) {
    const failure = toCurlError(err, transfer, process);
    if (!failure) throw err;
    code = failure.code;
    if (!options.has("s") || options.has("S"))
      await process.stderr.write(`curl: (${code}) ${failure.message}\n`);
  }
  const format = options.value("w");
  if (format !== undefined) {
    const nowMs = process.clock.monotonicMs();
    await process.stdout.write(formatWriteOut(readFormat(process, format), transfer, nowMs, code));
  }
  return code;
}

const readFormat = (process: Process, format: string): string =>
  format.startsWith("@") ? process.files.readText(process.path(format.slice(1))) : format;

function toCurlError(err: unknown, transfer: Transfer, process: Process): CurlError | undefined {
  if (err instanceof CurlError) return err;
  if (err instanceof FileError || err instanceof BrokenPipe) {
    return new CurlError(23, "Failure writing output to destination");
  }
  if (transfer.timedOut) {
    const tookMs = Math.round(process.clock.monotonicMs() - transfer.startedAtMs);
    return new CurlError(
      28,
      `Operation timed out after ${tookMs} milliseconds with ${transfer.sizeBytes} bytes received`,
    );
  }
  if (err instanceof Http1Error) {
    if (err.message.startsWith("unexpected end of body")) {
      return new CurlError(18, "end of response with bytes missing");
    }
    return err.message === "malformed status line"
      ? new CurlError(1, "Received HTTP/0.9 when not allowed")
      : new CurlError(52, "Empty reply from server");
  }
  if (!(err instanceof ConnectionError)) return undefined;
  return new CurlError(56, "Recv failure: Connection reset by peer");
}

async function transferAll(process: Process, options: Options, transfer: Transfer): Promise<void> {
  let target = transfer.url;
  for (;;) {
    const url = parseHttpUrl(target);
    if (!url) throw new CurlError(3, `URL rejected: Malformed input to a URL function`);
    if (url.scheme === "https") throw new CurlError(35, "TLS is not emulated in pods: use http");
    transfer.effectiveUrl = `${url.scheme}://${url.authority}${url.target}`;
    const next = await exchange(process, options, url, transfer);
    if (next === undefined) return;
    transfer.redirects++;
    if (transfer.redirects > MOST_REDIRECTS)
      throw new CurlError(47, `Maximum (${MOST_REDIRECTS}) redirects followed`);
    target = next.startsWith("/") ? `http://${url.authority}${next}` : next;
  }
}

/** One request; the address to go to next when redirections are followed. */
async function exchange(
  process: Process,
  options: Options,
  url: HttpUrl,
  transfer: Transfer,
): Promise<string | undefined> {
  const limitMs = options.has("m") ? Number(options.value("m")) * 1000 : undefined;
  const connection = await connect(process, options, url, transfer, limitMs);
  const leftMs =
    limitMs === undefined ? undefined : limitMs - (process.clock.monotonicMs() - transfer.startedAtMs);
  const timer =
    leftMs === undefined
      ? undefined
      : process.clock.setTimer(Math.max(0, leftMs), () => {
          transfer.timedOut = true;
          connection.reset();
        });
  try {
    const request = await requestFor(process, options, url);
    if (options.has("v")) await showRequest(process, url, request);
    const response = await new Http1Client(connection).request(request);
    transfer.firstByteAtMs = process.clock.monotonicMs();
    transfer.status = response.status;
    transfer.contentType = response.headers["content-type"] ?? "";
    if (options.has("v")) await showResponse(process, response);
    const location = response.headers["location"];
    if (options.has("L") && location && response.status >= 300 && response.status < 400) return location;
    if (options.has("f") && response.status >= 400) {
      throw new CurlError(22, `The requested URL returned error: ${response.status}`);
    }
    await save(process, options, url, response, transfer);
    return undefined;
  } finally {
    timer?.cancel();
    connection.end();
    connection.reset();
  }
}

async function connect(
  process: Process,
  options: Options,
  url: HttpUrl,
  transfer: Transfer,
  limitMs: number | undefined,
): Promise<Connection> {
  const ip = await addressOf(process, options, url);
  transfer.resolvedAtMs = process.clock.monotonicMs();
  transfer.remote = { ip, port: url.port };
  const connectMs = options.has("connect-timeout")
    ? Number(options.value("connect-timeout")) * 1000
    : undefined;
  const timeoutMs = Math.min(connectMs ?? Infinity, limitMs ?? Infinity);
  if (options.has("v"))
    await process.stderr.write(`*   Trying ${formatAddress({ ip, port: url.port })}...\n`);
  try {
    const connection = await process.network.connect(
      { ip, port: url.port },
      timeoutMs === Infinity ? {} : { timeoutMs },
    );
    transfer.connectedAtMs = process.clock.monotonicMs();
    transfer.local = connection.local;
    if (options.has("v")) await process.stderr.write(`* Connected to ${url.host} (${ip}) port ${url.port}\n`);
    return connection;
  } catch (err) {
    if (!(err instanceof ConnectionError)) throw err;
    const tookMs = Math.round(process.clock.monotonicMs() - transfer.startedAtMs);
    if (err.reason === "timed-out" && timeoutMs !== Infinity) {
      throw new CurlError(28, `Connection timed out after ${tookMs} milliseconds`);
    }
    throw new CurlError(
      err.reason === "timed-out" ? 28 : 7,
      `Failed to connect to ${url.host} port ${url.port} after ${tookMs} ms: Could not connect to server`,
    );
  }
}

async function addressOf(process: Process, options: Options, url: HttpUrl): Promise<string> {
  const pinned = options.all("resolve").find((entry) => entry.startsWith(`${url.host}:${url.port}:`));
  if (pinned) return pinned.slice(url.host.length + String(url.port).length + 2);
  try {
    const [ip = ""] = await process.resolver.lookup(url.host);
    return ip;
  } catch (err) {
    if (!(err instanceof ResolveError)) throw err;
    throw new CurlError(6, `Could not resolve host: ${url.host}`);
  }
}

interface CurlRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: Uint8Array;
}

async function requestFor(process: Process, options: Options, url: HttpUrl): Promise<CurlRequest> {
  const body = await bodyOf(process, options);
  const inQuery = options.has("G") && body !== undefined;
  const headers: Record<string, string> = {
    host: url.authority,
    ...credentialsOf(options, url),
    "user-agent": options.value("A") ?? `curl/${VERSION}`,
    accept: "*/*",
  };
  if (body && !inQuery) headers["content-type"] = "application/x-www-form-urlencoded";
  for (const header of options.all("H")) {
    const colon = header.indexOf(":");
    const name = header.slice(0, Math.max(0, colon)).trim().toLowerCase();
    const value = header.slice(colon + 1).trim();
    if (name !== "" && value !== "") headers[name] = value;
    else delete headers[name];
  }
  const query = inQuery ? `${url.target.includes("?") ? "&" : "?"}${Buffer.from(body).toString("utf8")}` : "";
  return {
    method: options.value("X") ?? (options.has("I") ? "HEAD" : body && !inQuery ? "POST" : "GET"),
    path: url.target + query,
    headers,
    ...(body && !inQuery ? { body } : {}),
  };
}

function credentialsOf(options: Options, url: HttpUrl): Record<string, string> | undefined {
  const user = options.value("u") ?? url.user;
  return user === undefined ? undefined : { authorization: `Basic ${Buffer.from(user).toString("base64")}` };
}

async function bodyOf(process: Process, options: Options): Promise<Uint8Array | undefined> {
  const pieces: Buffer[] = [];
  for (const [name, strip] of [
    ["d", true],
    ["data-binary", false],
  ] as const) {
    for (const text of options.all(name)) {
      if (!text.startsWith("@")) pieces.push(Buffer.from(text, "utf8"));
      else {
        const content =
          text === "@-"
            ? await readAll(process.stdin)
            : Buffer.from(process.files.readFile(process.path(text.slice(1))));
        pieces.push(
          strip ? Buffer.from(content.toString("latin1").replace(/[\r\n]/g, ""), "latin1") : content,
        );
      }
    }
  }
  pieces.push(...options.all("data-raw").map((text) => Buffer.from(text, "utf8")));
  if (pieces.length === 0) return undefined;
  return Buffer.concat(pieces.flatMap((piece, i) => (i === 0 ? [piece] : [Buffer.from("&"), piece])));
}

async function showRequest(
  process: Process,
  url: HttpUrl,
  { method, path, headers }: CurlRequest,
): Promise<void> {
  const head = encodeHead(`${method} ${path} HTTP/1.1`, headers).trimEnd();
  await process.stderr.write(
    `* using HTTP/1.x\n${head
      .split("\r\n")
      .map((line) => `> ${line}\n`)
      .join("")}> \n`,
  );
  if (url.user) await process.stderr.write("* Server auth using Basic\n");
}

const headLines = (response: Http1Response): string[] => [
  `${response.httpVersion} ${response.status} ${response.reason}`.trimEnd(),
  ...response.rawHeaders.map(([name, value]) => `${name}: ${value}`),
];

async function showResponse(process: Process, response: Http1Response): Promise<void> {
  await process.stderr.write(
    `${headLines(response)
      .map((line) => `< ${line}\n`)
      .join("")}< \n`,
  );
}

async function save(
  process: Process,
  options: Options,
  url: HttpUrl,
  response: Http1Response,
  transfer: Transfer,
): Promise<void> {
  const wanted =
    options.value("o") ?? (options.has("O") ? (url.target.split("?", 1)[0]?.split("/").at(-1) ?? "") : "-");
  let output: OpenFile;
  try {
    output = wanted === "-" ? process.stdout.dup() : process.open(wanted, "write");
  } catch (err) {
    if (!(err instanceof FileError)) throw err;
    throw new CurlError(23, `Failed to open the file ${wanted}: ${err.message}`);
  }
  try {
    if (options.has("i") || options.has("I"))
      await output.write(`${headLines(response).join("\r\n")}\r\n\r\n`);
    for await (const chunk of response.body) {
      transfer.sizeBytes += chunk.length;
      await output.write(chunk);
    }
  } finally {
    output.close();
  }
}
