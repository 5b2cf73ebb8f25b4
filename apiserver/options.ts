import { InvalidArgumentError, Option } from "commander";
import { formatPrefix, readPrefix } from "../machinery/api/ip-address.js";
import { type CommonOptions, processCommand } from "../machinery/runtime/options.js";
import { DEFAULT_RANGES, type ServiceRanges } from "./registry/services/resource.js";

export interface ApiServerProcessOptions extends CommonOptions {
  dataDir: string;
  securePort: number;
  bindAddress: string;
  durability: "full" | "relaxed";
  /** Milliseconds. */
  history: number;
  /** One or two ranges, of different families. */
  serviceClusterIpRange: readonly string[];
  serviceNodePortRange: ServiceRanges["nodePorts"];
  tokenAuthFile?: string;
  /** Admin socket of the API server to follow, read-only. */
  follow?: string;
  /** Milliseconds. */
  lag: number;
}

export const parseApiServerOptions = (argv: readonly string[]): ApiServerProcessOptions =>
  processCommand("apiserver", "The Kubernetes API over a SQLite file")
    .requiredOption("--data-dir <dir>", "where the database, the keys and the kubeconfig are")
    .option("--secure-port <port>", "HTTPS port; 0 picks a free one", parsePort, 6443)
    .option("--bind-address <ip>", "address to listen on", "127.0.0.1")
    .addOption(
      new Option("--durability <level>", "full: every acknowledged write is on disk")
        .choices(["full", "relaxed"])
        .default("full"),
    )
    .option("--history <duration>", "how long old revisions are kept, e.g. 90m", parseDuration, 3_600_000)
    .option(
      "--service-cluster-ip-range <cidrs>",
      "addresses of Services; of both families with a comma, the cluster's own first",
      parseRanges,
      DEFAULT_RANGES.clusterIps,
    )
    .option(
      "--service-node-port-range <first-last>",
      "ports of NodePort Services",
      parsePortRange,
      DEFAULT_RANGES.nodePorts,
    )
    .option("--token-auth-file <file>", 'static bearer tokens: token,user,uid,"group1,group2"')
    .option("--follow <admin-socket>", "be a read-only replica of the API server with this admin socket")
    .option("--lag <duration>", "how far the replica is behind, e.g. 2s", parseDuration, 0)
    .parse([...argv], { from: "user" })
    .opts<ApiServerProcessOptions>();

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65535) throw new InvalidArgumentError("must be between 0 and 65535.");
  return port;
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A Go duration such as `1h30m`. */
function parseDuration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text) {
    throw new InvalidArgumentError("must be a duration such as 90m or 1h30m.");
  }
  return parts.reduce((total, [, count, unit]) => total + Number(count) * (UNIT_MS[unit ?? ""] ?? 0), 0);
}

/** Shorter IPv6 prefixes are refused by a real server as well. */
const SHORTEST_IPV6_PREFIX = 64;

function parseRanges(text: string): readonly string[] {
  const ranges = text.split(",").map((range) => {
    const prefix = readPrefix(range.trim());
    if (!prefix) throw new InvalidArgumentError("must be a range such as 10.96.0.0/12.");
    if (prefix.family === "IPv6" && prefix.length < SHORTEST_IPV6_PREFIX)
      throw new InvalidArgumentError(`an IPv6 range may not be larger than a /${SHORTEST_IPV6_PREFIX}.`);
    return prefix;
  });
  if (ranges.length > 2) throw new InvalidArgumentError("must be one range or two.");
  if (ranges.length === 2 && ranges[0]?.family === ranges[1]?.family)
    throw new InvalidArgumentError("must be ranges of different families.");
  return ranges.map(formatPrefix);
}

function parsePortRange(text: string): ServiceRanges["nodePorts"] {
  const [, first = "", last = ""] = /^(\d+)-(\d+)$/.exec(text) ?? [];
  const range = { first: Number(first), last: Number(last) };
  if (!first || range.first < 1 || range.last > 65535 || range.first > range.last) {
    throw new InvalidArgumentError("must be two ports such as 30000-32767.");
  }
  return range;
}
