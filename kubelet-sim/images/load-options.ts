import type { LoadPace } from "../../machinery/network/load-loop.js";

export interface LoadOptions extends LoadPace {
  url: URL;
  /** Waits so long before the first request. */
  startMs: number;
  timeoutMs: number;
  keepAlive: boolean;
  method: string;
  headers: Record<string, string>;
  body?: string;
  /** Answers with another status are failures. */
  expect: number[];
}

const SCHEMES = ["http:", "udp:", "dns:"];

/** The options, or what is wrong with them. */
export function parseLoadOptions(args: readonly string[]): LoadOptions | string {
  const headers: Record<string, string> = {};
  const values = new Map<string, string>();
  for (const arg of args) {
    const [name = "", value = "true"] = arg.replace(/^--/, "").split(/=(.*)/s);
    if (name !== "header") values.set(name, value);
    else headers[value.split(":")[0]?.trim().toLowerCase() ?? ""] = value.split(/:(.*)/s)[1]?.trim() ?? "";
  }
  const text = values.get("url") ?? "";
  if (!URL.canParse(text)) return `--url is not a URL: "${text}"`;
  const url = new URL(text);
  if (!SCHEMES.includes(url.protocol) || url.hostname === "")
    return `--url must be http://…, udp://host:port or dns://name, not "${text}"`;
  const number = (name: string, initial: number): number => Number(values.get(name) ?? initial);
  const body = values.get("body");
  const options: LoadOptions = {
    url,
    startMs: number("start-ms", 0),
    perSecond: number("per-second", 10),
    durationMs: number("duration-ms", 10_000),
    timeoutMs: number("timeout-ms", 2000),
    clients: number("clients", 1),
    loop: values.get("loop") === "closed" ? "closed" : "open",
    thinkMs: {
      min: number("think-min-ms", 0),
      max: Math.max(number("think-min-ms", 0), number("think-max-ms", 0)),
    },
    rampMs: number("ramp-ms", 0),
    keepAlive: values.get("keep-alive") === "true",
    method: values.get("method") ?? "GET",
    headers,
    ...(body === undefined ? {} : { body }),
    expect: (values.get("expect") ?? "200").split(",").map(Number),
  };
  const { perSecond, durationMs, timeoutMs, clients } = options;
  if (![perSecond, durationMs, timeoutMs, clients].every((n) => Number.isFinite(n) && n > 0))
    return "--per-second, --duration-ms, --timeout-ms and --clients must be positive numbers";
  return options;
}
