import { parseDurationMs } from "../shell/tool.js";

/** The settings of a Corefile that this name server has. */
export interface Corefile {
  port: number;
  domain: string;
  ttlSeconds: number;
  podNames: boolean;
  logsQueries: boolean;
  loadbalance: boolean;
  healthPort: number;
  readyPort: number;
  metricsPort: number;
  lameduckMs: number;
}

/** Reads the first server block; what is missing or unknown keeps CoreDNS's default. */
export function parseCorefile(text: string): Corefile {
  const lines = text.split("\n").map((line) => (line.split("#", 1)[0] ?? "").trim().split(/\s+/));
  const plugin = (name: string): string[] | undefined => lines.find(([word]) => word === name);
  const address = lines.find((words) => words.at(-1) === "{")?.[0] ?? ".:53";
  const portOf = (words: string[] | undefined, fallback: number): number =>
    Number(/:(\d+)$/.exec(words?.[1] ?? "")?.[1] ?? fallback);
  const zone = plugin("kubernetes")?.[1];
  return {
    port: Number(/:(\d+)/.exec(address)?.[1] ?? 53),
    domain: (zone && zone !== "{" ? zone : "cluster.local").replace(/\.$/, "").toLowerCase(),
    ttlSeconds: Number(plugin("ttl")?.[1] ?? 5),
    podNames: plugin("pods")?.[1] === "insecure",
    logsQueries: plugin("log") !== undefined,
    loadbalance: text.trim() === "" || plugin("loadbalance") !== undefined,
    healthPort: portOf(plugin("health"), 8080),
    readyPort: portOf(plugin("ready"), 8181),
    metricsPort: portOf(plugin("prometheus"), 9153),
    lameduckMs: parseDurationMs(plugin("lameduck")?.[1] ?? "0") ?? 0,
  };
}
