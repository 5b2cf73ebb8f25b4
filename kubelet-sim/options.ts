import { Option } from "commander";
import { canonicalIp, familyOf, isIp } from "../machinery/network/addresses.js";
import { type CommonOptions, processCommand } from "../machinery/runtime/options.js";
import type { RuntimeLatency } from "./runtime/runtime.js";
import { MOST_ZONES, type NodeConfig, nodeAddresses, numberedNodes, zoneOf } from "./node/node-config.js";

export interface KubeletOptions extends CommonOptions {
  nodes: string;
  nodeName?: string[];
  nodeIp?: string[];
  zones?: string;
  credentialsDir?: string;
  podStart?: string;
  podPull?: string;
  podStop?: string;
  ipReuse: "delayed" | "immediate" | "adversarial";
  images?: string;
  dnsUpstream?: string;
}

/** What the process runs with. Wrong usage ends the process with one line and code 2. */
export function parseKubeletOptions(argv: readonly string[]): {
  options: KubeletOptions & { kubeconfig: string };
  nodes: NodeConfig[];
  latency: Partial<RuntimeLatency>;
} {
  const command = processCommand(
    "kubelet",
    "Fake kubelets: nodes whose containers are programs in this process",
  )
    .option("--nodes <count>", "how many nodes to run, node-1 to node-N", "3")
    .option("--node-name <name...>", "names of the nodes, in place of --nodes")
    .option(
      "--node-ip <ip...>",
      "InternalIPs of the nodes, in the order of --node-name: IP, or two families as IP,IP",
    )
    .option("--zones <count>", "label nodes round robin with topology zones zone-a, zone-b…")
    .option("--credentials-dir <dir>", "folder with a node-<name>.kubeconfig for each node")
    .option("--pod-start <ms>", "time a container takes to start: 5 or 1-5")
    .option("--pod-pull <ms>", "time the first pull of an image takes: 20 or 5-20")
    .option("--pod-stop <ms>", "time a container takes to stop: 2 or 0-2")
    .addOption(
      new Option("--ip-reuse <policy>", "how soon the address of a pod that is gone is given to another")
        .choices(["delayed", "immediate", "adversarial"])
        .default("delayed"),
    )
    .option("--dns-upstream <file>", "names outside of the cluster: lines of a hosts or zone file")
    .option("--images <module>", "JavaScript module that exports `images`, further emulated images");
  command.parse(["node", "kubelet", ...argv]);
  const options = command.opts<KubeletOptions>();
  const { kubeconfig } = options;
  try {
    if (!kubeconfig) throw new RangeError("--kubeconfig is required");
    return {
      options: { ...options, kubeconfig },
      nodes: nodesOf(options),
      latency: latencies(options),
    };
  } catch (err) {
    if (err instanceof RangeError) command.error(`error: ${err.message}`, { exitCode: 2 });
    throw err;
  }
}

/** The nodes that the options ask for. Throws RangeError. */
function nodesOf(options: KubeletOptions): NodeConfig[] {
  const zones = options.zones === undefined ? 0 : Math.min(count("--zones", options.zones), MOST_ZONES);
  if (!options.nodeName) return numberedNodes(count("--nodes", options.nodes, 0), zones);
  return options.nodeName.map((name, i) => ({
    name,
    ...(nodeIpOption(options.nodeIp?.[i]) ?? nodeAddresses(i + 1)),
    ...(zones > 0 ? zoneOf(i, zones) : {}),
  }));
}

/** `172.18.0.3` or `172.18.0.3,fd00:172:18::3`, as the kubelet's --node-ip. Throws RangeError. */
function nodeIpOption(text: string | undefined): Pick<NodeConfig, "ip" | "secondIP"> | undefined {
  if (text === undefined) return undefined;
  const [ip = "", secondIP, ...more] = text.split(",").map(canonicalIp);
  const families = new Set([ip, ...(secondIP ? [secondIP] : [])].map(familyOf));
  if (!isIp(ip) || (secondIP !== undefined && (!isIp(secondIP) || families.size < 2)) || more.length > 0)
    throw new RangeError(`--node-ip "${text}" is not an IP address or one of each family`);
  return secondIP === undefined ? { ip } : { ip, secondIP };
}

function count(option: string, text: string, least = 1): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least)
    throw new RangeError(`${option} must be a whole number from ${least}, not "${text}"`);
  return value;
}

function latencies(options: KubeletOptions): Partial<RuntimeLatency> {
  return {
    ...(options.podPull ? { pull: latencyRange(options.podPull) } : {}),
    ...(options.podStart ? { start: latencyRange(options.podStart) } : {}),
    ...(options.podStop ? { stop: latencyRange(options.podStop) } : {}),
  };
}

/** `5` or `1-5`. Throws RangeError. */
function latencyRange(text: string): { minMs: number; maxMs: number } {
  const match = /^([0-9.]+)(?:-([0-9.]+))?$/.exec(text);
  const minMs = Number(match?.[1]);
  const maxMs = Number(match?.[2] ?? match?.[1]);
  if (!match || !(minMs <= maxMs)) throw new RangeError(`"${text}" is not a latency such as 5 or 1-5`);
  return { minMs, maxMs };
}
