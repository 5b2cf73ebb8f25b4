import type { CliCommand, CliContext } from "../command.js";
import { compareModes } from "../compare/compare.js";
import { type ClusterObjects, subjectOf } from "../compare/subject.js";
import { tellComparison } from "../compare/tell-comparison.js";
import { connect } from "../connect.js";
import { type FlagSpecs, parseFlags } from "../flags.js";
import { serviceKey } from "../objects/cluster-admin.js";
import { UserError } from "../supervisor/cluster.js";

const flags = {
  kubeconfig: { kind: "string", help: "Path to the kubeconfig file to use for CLI requests." },
  name: { kind: "string", help: "Name of a running kubesim cluster." },
  namespace: { kind: "string", short: "n", help: "If present, the namespace scope for this CLI request" },
  service: { kind: "string", help: "The Service that is called: web, svc/web." },
  requests: {
    kind: "int",
    default: 10_000,
    help: "So many in each mode, twice: all pods well, and one dead.",
  },
  services: {
    kind: "string",
    default: "10,1000,10000",
    help: "Numbers of Services for which rules and updates are counted.",
  },
  mode: { kind: "list", help: "Only this mode (repeatable). Default: all, and ideal." },
  seed: { kind: "string", default: "1", help: "Of every draw: the same seed gives the same numbers." },
  simulate: { kind: "bool", help: "Without a running cluster: one in virtual time, with manifests/demo." },
  filename: {
    kind: "list",
    short: "f",
    help: "With --simulate: these files or folders instead of manifests/demo.",
  },
  nodes: { kind: "int", default: 3, help: "With --simulate: so many nodes." },
  output: { kind: "string", short: "o", help: "json" },
} as const satisfies FlagSpecs;

type CompareFlags = ReturnType<typeof parseFlags<typeof flags>>["flags"];

const MOST_REQUESTS = 1_000_000;
const MOST_SERVICES = 100_000;

/** `kubesim compare-modes --service web`: the same traffic through every proxy mode, beside each other. */
export const compareModesCommand: CliCommand = {
  async run(args, context) {
    const { flags: options, positionals } = parseFlags(args, flags);
    const key = serviceKey(options.service ?? positionals[0], options.namespace ?? "default");
    if (key === undefined) throw new UserError("which Service? kubesim compare-modes --service NAME", 2);
    const requests = inRange("--requests", options.requests, MOST_REQUESTS);
    const services = (options.services ?? "")
      .split(",")
      .filter((text) => text !== "")
      .map((text) => inRange("--services", Number(text), MOST_SERVICES));
    const subject = subjectOf(await objectsFor(key, options, context), key);
    const isTerminal = context.stderr.isTTY;
    const comparison = await compareModes({
      subject,
      requests,
      services,
      seed: options.seed ?? "1",
      signal: context.signal,
      ...(options.mode.length > 0
        ? { modes: options.mode.map((mode) => (mode === "ipvs" ? "ipvs-rr" : mode)) }
        : {}),
      onMode: (mode) => void (isTerminal && context.stderr.write(`\r\x1b[2K${mode}`)),
    });
    if (isTerminal) context.stderr.write("\r\x1b[2K");
    context.stdout.write(
      options.output === "json"
        ? `${JSON.stringify(comparison, undefined, 2)}\n`
        : tellComparison(comparison),
    );
    return 0;
  },
};

function inRange(flag: string, value: number | undefined, most: number): number {
  if (value === undefined || !Number.isInteger(value) || value < 1 || value > most)
    throw new UserError(`${flag} must be from 1 to ${most}`, 2);
  return value;
}

async function objectsFor(key: string, options: CompareFlags, context: CliContext): Promise<ClusterObjects> {
  const { objectsOf, simulatedObjects } = await import("../compare/cluster-objects.js");
  if (options.simulate)
    return simulatedObjects({
      seed: options.seed ?? "1",
      nodes: inRange("--nodes", options.nodes, 1000),
      files: options.filename,
      service: key,
      signal: context.signal,
    });
  if (options.filename.length > 0) throw new UserError("-f goes with --simulate", 2);
  const { client } = connect(
    {
      ...(options.kubeconfig ? { kubeconfig: options.kubeconfig } : {}),
      ...(options.name ? { name: options.name } : {}),
    },
    context,
  );
  return objectsOf(client);
}
