import { pods } from "../../machinery/api/core-v1.js";
import { isAlreadyExists } from "../../machinery/api/status.js";
import { defineFault, type Fault, type ParameterSpec } from "../fault.js";
import { orGone } from "../or-gone.js";
import type { FaultSpec } from "../scenario/types.js";

/** A client pod that is there while the fault acts. */
interface Traffic {
  namespace: string;
  name: string;
  image: string;
  args: string[];
  node?: string;
}

interface TrafficKind {
  name: string;
  summary: string;
  image: string;
  parameters: Record<string, ParameterSpec>;
  toArguments: (parameters: Record<string, unknown>) => Record<string, unknown>;
}

const LOAD = "kubesim.dev/load";
const CONNECTIONS = "kubesim.dev/connections";
/** The generator's own end; the fault ends earlier. */
const LONGEST_MS = 24 * 3_600_000;

const url: ParameterSpec = { type: "text", help: "http://web/path, as the client pod sees it" };
const perSecond = (initial: number, help = "requests"): ParameterSpec => ({
  type: "number",
  help,
  default: initial,
  min: 0.01,
  max: 2000,
});
const count = (help: string, initial: number, max: number): ParameterSpec => ({
  type: "number",
  help,
  default: initial,
  min: 1,
  max,
});

const kinds: readonly TrafficKind[] = [
  {
    name: "load-spike",
    summary: "a client pod sends requests in an open loop, each on a connection of its own",
    image: LOAD,
    parameters: {
      url,
      perSecond: perSecond(200),
      clients: count("beside each other, each at the whole rate", 1, 50),
    },
    toArguments: ({ perSecond: rate, clients }) => ({ "per-second": rate, clients, loop: "open" }),
  },
  {
    name: "long-lived-connections",
    summary: "clients keep their connections open and seldom say anything: they stay with the pods they have",
    image: LOAD,
    parameters: {
      url,
      clients: count("connections", 20, 1000),
      perSecond: perSecond(0.2, "requests on each"),
    },
    toArguments: ({ perSecond: rate, clients }) => ({
      "per-second": rate,
      clients,
      loop: "closed",
      "keep-alive": true,
    }),
  },
  {
    name: "sticky-clients",
    summary:
      "a few busy clients send everything on the one connection that each has: some pods get all of it",
    image: LOAD,
    parameters: { url, clients: count("connections", 1, 50), perSecond: perSecond(50, "requests on each") },
    toArguments: ({ perSecond: rate, clients }) => ({
      "per-second": rate,
      clients,
      loop: "closed",
      "keep-alive": true,
    }),
  },
  {
    name: "syn-flood",
    summary: "a client opens connections and never says anything; beyond a number it gives up the oldest",
    image: CONNECTIONS,
    parameters: {
      url,
      perSecond: perSecond(200, "connections"),
      most: count("open at one time", 500, 5000),
    },
    toArguments: ({ perSecond: rate, most }) => ({ behaviour: "silent", "per-second": rate, most }),
  },
  {
    name: "slow-clients",
    summary: "clients send their requests, and read the answers, a byte at a time",
    image: CONNECTIONS,
    parameters: {
      url,
      clients: count("connections", 50, 5000),
      pause: { type: "duration", help: "between two bytes", default: "100ms" },
    },
    toArguments: ({ clients, pause }) => ({ behaviour: "slow", most: clients, "byte-ms": pause }),
  },
];

const node: ParameterSpec = {
  type: "text",
  help: "where the client pod runs; absent: anywhere",
  optional: true,
};
const namespace: ParameterSpec = { type: "text", help: "of the client pod", default: "default" };

function podOf(kind: TrafficKind, { parameters }: FaultSpec, suffix: string): Traffic {
  const given = { url: parameters.url, ...kind.toArguments(parameters) };
  return {
    namespace: String(parameters.namespace),
    name: `${kind.name}-${suffix}`,
    image: kind.image,
    args: Object.entries(given).map(([name, value]) => `--${name}=${String(value)}`),
    ...(typeof parameters.node === "string" ? { node: parameters.node } : {}),
  };
}

/** Others' load, from a pod of its own: its requests are not among those that are judged. */
export const trafficFaults: readonly Fault[] = kinds.map((kind) =>
  defineFault<Traffic>({
    name: kind.name,
    summary: kind.summary,
    layer: "traffic",
    targets: "none",
    parameters: { ...kind.parameters, namespace, node },
    choose: ({ rng }, spec) => Promise.resolve<Traffic | undefined>(podOf(kind, spec, rng.suffix(5))),
    async inject({ client, clock }, target, { endsAtMs }) {
      const args = [...target.args];
      if (target.image === LOAD) args.push(`--duration-ms=${Math.min(LONGEST_MS, endsAtMs - clock.nowMs())}`);
      try {
        await client.create(pods, {
          metadata: {
            name: target.name,
            namespace: target.namespace,
            labels: { "kubesim.dev/fault": kind.name },
          },
          spec: {
            restartPolicy: "Never",
            terminationGracePeriodSeconds: 0,
            ...(target.node === undefined ? {} : { nodeName: target.node }),
            containers: [{ name: "client", image: target.image, args }],
          },
        });
      } catch (err) {
        if (!isAlreadyExists(err)) throw err;
      }
    },
    heal: ({ client }, target) => orGone(client.delete(pods, target, { gracePeriodSeconds: 0 })),
  }),
);
