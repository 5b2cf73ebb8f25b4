import { type Pod, pods } from "../../machinery/api/core-v1.js";
import { parseResolvConf, type ResolvConf } from "../../machinery/network/resolv-conf.js";
import { KUBELET_DEFAULTS } from "../../kubelet-sim/node/node-config.js";
import { resolvConf } from "../../kubelet-sim/pods/resolv-conf.js";
import type { CliCommand } from "../command.js";
import { connect } from "../connect.js";
import { type FlagSpecs, parseFlags } from "../flags.js";
import { adminFlags, clusterAdmin } from "../objects/cluster-admin.js";
import { type LookupCost, lookupCost } from "../objects/dns-cost.js";
import { type StaleAnswer, staleAnswers } from "../objects/dns-truth.js";
import { padColumns } from "../printers/columns.js";
import { UserError } from "../supervisor/cluster.js";

const flags = {
  ...adminFlags,
  from: {
    kind: "string",
    help: "The pod whose resolv.conf counts: pod/NAME. Default: a pod without settings of its own.",
  },
  output: { kind: "string", short: "o", help: "json" },
} as const satisfies FlagSpecs;

/** `kubesim dns www.example.com --from pod/client`: every question that one lookup costs. */
export const dnsCommand: CliCommand = {
  async run(args, context) {
    const { flags: options, positionals } = parseFlags(args, flags);
    const [host] = positionals;
    if (host === undefined) throw new UserError("which name? kubesim dns NAME --from pod/NAME", 2);
    const admin = clusterAdmin(options);
    const { client } = connect({ kubeconfig: admin.kubeconfig }, context);
    const namespace = options.namespace ?? "default";
    const [kind, name] = options.from === undefined ? [] : options.from.split("/", 2);
    if (kind !== undefined && (!["pod", "pods", "po"].includes(kind) || !name))
      throw new UserError(`--from takes pod/NAME, not "${options.from}"`, 2);
    const pod = name === undefined ? plainPod(namespace) : await client.get(pods, { namespace, name });
    const cost = await lookupCost(admin, host, configurationOf(pod));
    const stale = await staleAnswers(client, cost);
    context.stdout.write(
      options.output === "json"
        ? `${JSON.stringify({ ...cost, stale }, undefined, 2)}\n`
        : printCost(cost, options.from) + stale.map(staleLine).join(""),
    );
    return cost.addresses.length > 0 ? 0 : 1;
  },
};

const plainPod = (namespace: string): Pod => ({ metadata: { namespace, name: "" }, spec: {} }) as Pod;

/** As the pod's kubelet wrote it. */
const configurationOf = (pod: Pod): ResolvConf => parseResolvConf(resolvConf(pod, KUBELET_DEFAULTS));

function printCost(
  { host, search, ndots, queries, wasted, addresses }: LookupCost,
  from: string | undefined,
): string {
  const head = [
    ["FROM", from ?? "any pod"],
    ["SEARCH", `${search.join(" ") || "none"} (ndots:${ndots})`],
  ];
  const rows = queries.map(({ name, type, rcode, answers, truncated }) => [
    `${name}.`,
    type,
    answers.map(({ data, ttlSeconds }) => `${data} (${ttlSeconds}s)`).join(", ") ||
      (rcode === "NOERROR" ? "no data" : rcode),
    truncated ? "cut: again over TCP" : "",
  ]);
  const absolute = `${host.replace(/\.$/, "")}.`;
  const advice =
    wasted > 0 && addresses.length > 0 ? `; ${adviceFor(queries.at(-1)?.name ?? host, absolute)}` : "";
  return [
    padColumns(head),
    "\n",
    padColumns([["QUERY", "TYPE", "ANSWER", ""], ...rows]),
    `\n${queries.length} queries, ${wasted} of them for nothing${advice}\n`,
  ].join("");
}

const staleLine = ({ name, type, answered, now }: StaleAnswer): string =>
  `stale: ${name}. ${type} was answered with ${answered.join(", ") || "nothing"}; the API has ${now.join(", ") || "nothing"}\n`;

const adviceFor = (found: string, absolute: string): string =>
  `${found}. with the dot at its end costs 2${`${found}.` === absolute ? "" : ", wherever it is asked from"}`;
