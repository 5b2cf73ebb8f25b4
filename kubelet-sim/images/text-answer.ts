import type { Http1Answer, Http1Request } from "../../machinery/network/http1-server.js";

/** A text answer as Go's net/http sends it. */
export function textAnswer(text: string, status = 200, headers: Record<string, string> = {}): Http1Answer {
  return {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", ...headers },
    body: Buffer.from(text, "utf8"),
  };
}

export const jsonAnswer = (value: unknown, status = 200): Http1Answer =>
  textAnswer(`${JSON.stringify(value)}\n`, status, { "content-type": "application/json" });

/** Path and query of a request target. */
export function splitTarget(request: Http1Request): { path: string; query: URLSearchParams } {
  const at = request.path.indexOf("?");
  return at < 0
    ? { path: request.path, query: new URLSearchParams() }
    : { path: request.path.slice(0, at), query: new URLSearchParams(request.path.slice(at + 1)) };
}

/** `2026/11/21 12:00:00`, the prefix of Go's log package. */
export const goLogTime = (ms: number): string =>
  new Date(ms).toISOString().slice(0, 19).replaceAll("-", "/").replace("T", " ");

/** Values of `-name=value`, `--name=value`, `--name value`, as Go's flag package takes them; the last one wins. */
export function goFlags(args: readonly string[]): Map<string, string> {
  const flags = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const match = /^--?([A-Za-z][\w.-]*)(?:=([\s\S]*))?$/.exec(args[i] ?? "");
    if (!match?.[1]) continue;
    const next = args[i + 1];
    if (match[2] !== undefined) flags.set(match[1], match[2]);
    else if (next !== undefined && !next.startsWith("-")) {
      flags.set(match[1], next);
      i++;
    } else flags.set(match[1], "true");
  }
  return flags;
}

/** Port of a Go listen address such as `:5678`. */
export const portOfAddress = (address: string, fallback: number): number =>
  Number(/:(\d+)$/.exec(address)?.[1] ?? fallback);
