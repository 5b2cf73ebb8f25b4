import { readBody } from "../../../machinery/api/http.js";
import { Http1Client, type Http1Response } from "../../../machinery/network/http1-client.js";
import { Http1Error } from "../../../machinery/network/http1-reader.js";
import { ConnectionError } from "../../../machinery/network/network.js";
import { ResolveError } from "../../../machinery/network/resolver.js";
import { describeNetworkError } from "../../images/network-errors.js";
import { FileError } from "../../images/files.js";
import type { OpenFile, Process } from "../../images/process.js";
import { type HttpUrl, parseHttpUrl } from "../http-url.js";
import type { Options } from "../text/options.js";
import { tool } from "../tool.js";

const MOST_REDIRECTS = 5;

class WgetError extends Error {
  override readonly name = "WgetError";
}

/** busybox wget. */
export const wget = tool(
  {
    flags: "cqS",
    values: "OTPYU",
    long: {
      quiet: "q",
      "output-document": "O",
      "server-response": "S",
      timeout: "T",
      "user-agent": "U",
      "directory-prefix": "P",
      spider: "",
      "header=": "",
      "post-data=": "",
      "post-file=": "",
      "no-check-certificate": "",
      "no-verbose": "q",
    },
  },
  async (process, options) => {
    if (options.operands.length === 0) {
      await process.stderr.write(
        "BusyBox v1.36.1 multi-call binary.\n\nUsage: wget [-cqS] [--spider] [-O FILE] [--header STR]\n\t[--post-data STR | --post-file FILE] [-T SEC] URL...\n",
      );
      return 1;
    }
    try {
      for (const url of options.operands) await download(process, options, url);
      return 0;
    } catch (err) {
      const message = messageOf(err);
      if (message === undefined) throw err;
      await process.stderr.write(`wget: ${message}\n`);
      return 1;
    }
  },
);

function messageOf(err: unknown): string | undefined {
  if (err instanceof WgetError || err instanceof FileError) return err.message;
  if (err instanceof Http1Error) return "error getting response";
  const reason = describeNetworkError(err);
  return reason === undefined ? undefined : `error getting response: ${reason}`;
}

async function download(process: Process, options: Options, text: string): Promise<void> {
  let url = requireUrl(text);
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
    const next = await fetchOnce(process, options, url);
    if (!next) return;
    url = requireUrl(next.startsWith("/") ? `${url.scheme}://${url.authority}${next}` : next);
  }
  throw new WgetError("too many redirections");
}

function requireUrl(text: string): HttpUrl {
  const url = parseHttpUrl(text);
  if (!url) throw new WgetError(`not an http or ftp url: ${text}`);
  if (url.scheme === "https") throw new WgetError("TLS is not emulated in pods: use http");
  return url;
}

/** Where to go next, or undefined when it is done. */
async function fetchOnce(process: Process, options: Options, url: HttpUrl): Promise<string | undefined> {
  const timeoutMs = options.has("T") ? Number(options.value("T")) * 1000 : undefined;
  const ip = await addressOf(process, url.host);
  const quiet = options.has("q");
  if (!quiet) await process.stderr.write(`Connecting to ${url.authority} (${ip}:${url.port})\n`);
  const connection = await connect(process, ip, url.port, timeoutMs);
  let timedOut = false;
  const timer =
    timeoutMs === undefined
      ? undefined
      : process.clock.setTimer(timeoutMs, () => {
          timedOut = true;
          connection.reset();
        });
  try {
    const response = await new Http1Client(connection).request(await requestFor(process, options, url));
    if (options.has("S")) await showHeaders(process, response);
    if (response.status >= 300 && response.status < 400 && response.headers["location"]) {
      return response.headers["location"];
    }
    if (response.status >= 300) {
      throw new WgetError(
        `server returned error: ${response.httpVersion} ${response.status} ${response.reason}`.trimEnd(),
      );
    }
    await save(process, options, url, response);
    return undefined;
  } catch (err) {
    if (timedOut) throw new WgetError("download timed out");
    throw err;
  } finally {
    timer?.cancel();
    connection.end();
    connection.reset();
  }
}

async function addressOf(process: Process, host: string): Promise<string> {
  try {
    const [ip = ""] = await process.resolver.lookup(host);
    return ip;
  } catch (err) {
    if (err instanceof ResolveError) throw new WgetError(`bad address '${host}'`);
    throw err;
  }
}

async function connect(process: Process, ip: string, port: number, timeoutMs: number | undefined) {
  try {
    return await process.network.connect({ ip, port }, timeoutMs === undefined ? {} : { timeoutMs });
  } catch (err) {
    if (!(err instanceof ConnectionError)) throw err;
    if (err.reason === "timed-out" && timeoutMs !== undefined) throw new WgetError("download timed out");
    throw new WgetError(`can't connect to remote host (${ip}): ${describeNetworkError(err)}`);
  }
}

async function requestFor(process: Process, options: Options, url: HttpUrl) {
  const headers: Record<string, string> = {
    host: url.authority,
    "user-agent": options.value("U") ?? "Wget",
    connection: "close",
  };
  if (url.user) headers["authorization"] = `Basic ${Buffer.from(url.user).toString("base64")}`;
  const posted = options.value("post-data") ?? postFile(process, options.value("post-file"));
  if (posted !== undefined) headers["content-type"] = "application/x-www-form-urlencoded";
  for (const header of options.all("header")) {
    const colon = header.indexOf(":");
    headers[header.slice(0, colon).trim().toLowerCase()] = header.slice(colon + 1).trim();
  }
  return {
    method: posted === undefined ? (options.has("spider") ? "HEAD" : "GET") : "POST",
    path: url.target,
    headers,
    ...(posted === undefined ? {} : { body: Buffer.from(posted, "utf8") }),
  };
}

const postFile = (process: Process, path: string | undefined): string | undefined =>
  path === undefined ? undefined : process.files.readText(process.path(path));

async function showHeaders(process: Process, response: Http1Response): Promise<void> {
  const lines = [
    `${response.httpVersion} ${response.status} ${response.reason}`,
    ...response.rawHeaders.map(([name, value]) => `${name}: ${value}`),
  ];
  await process.stderr.write(lines.map((line) => `  ${line}\n`).join(""));
}

async function save(
  process: Process,
  options: Options,
  url: HttpUrl,
  response: Http1Response,
): Promise<void> {
  const quiet = options.has("q");
  if (options.has("spider")) {
    await readBody(response.body);
    if (!quiet) await process.stderr.write("remote file exists\n");
    return;
  }
  const wanted = options.value("O");
  const path = wanted ?? joinPrefix(options.value("P"), fileNameOf(url));
  const toStdout = path === "-";
  if (!toStdout && wanted === undefined && process.files.stat(process.path(path))) {
    throw new WgetError(`can't open '${path}': File exists`);
  }
  let output: OpenFile;
  try {
    output = toStdout ? process.stdout.dup() : process.open(path, "write");
  } catch (err) {
    if (!(err instanceof FileError)) throw err;
    throw new WgetError(`can't open '${path}': ${err.message}`);
  }
  if (!quiet) await process.stderr.write(toStdout ? "writing to stdout\n" : `saving to '${path}'\n`);
  let sizeBytes = 0;
  try {
    for await (const chunk of response.body) {
      sizeBytes += chunk.length;
      await output.write(chunk);
    }
  } finally {
    output.close();
  }
  if (quiet) return;
  await process.stderr.write(
    `${progressLine(path, sizeBytes)}\n${toStdout ? "written to stdout" : `'${path}' saved`}\n`,
  );
}

const fileNameOf = (url: HttpUrl): string => url.target.split("?", 1)[0]?.split("/").at(-1) || "index.html";

const joinPrefix = (prefix: string | undefined, name: string): string =>
  prefix ? `${prefix}/${name}` : name;

const progressLine = (name: string, sizeBytes: number): string =>
  `${name.slice(0, 20).padEnd(20)} 100% |${"*".repeat(32)}| ${shortSize(sizeBytes).padStart(5)}  0:00:00 ETA`;

function shortSize(bytes: number): string {
  let value = bytes;
  for (const unit of ["", "k", "M", "G"]) {
    if (value < 100_000) return unit === "" ? String(value) : `${Math.round(value)}${unit}`;
    value /= 1024;
  }
  return `${Math.round(value)}T`;
}
