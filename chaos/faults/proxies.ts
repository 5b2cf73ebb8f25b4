import { type ChoiceContext, defineFault, type Fault } from "../fault.js";
import { definePointFault, type PointFault } from "../point-fault.js";
import type { TargetSpec } from "../scenario/types.js";
import { chooseNodes } from "../targets.js";

const nodeNames = async (context: ChoiceContext, target: TargetSpec): Promise<string[]> =>
  (await chooseNodes(context, target)).map(({ metadata }) => metadata.name);

/** A fault of the delivery cursors of nodes. */
const cursorFault = (
  kind: Pick<PointFault, "name" | "summary"> & {
    parameters?: PointFault["parameters"];
    toPoint: (parameters: Record<string, unknown>) => Record<string, unknown>;
  },
): Fault =>
  definePointFault({
    name: kind.name,
    summary: kind.summary,
    layer: "proxy",
    targets: "nodes",
    ...(kind.parameters ? { parameters: kind.parameters } : {}),
    claims: ({ hits }) => hits.map((node) => `proxy of node/${node}`),
    async choose(context, { target, parameters }) {
      const names = await nodeNames(context, target);
      return {
        leases: names.map((node) => ({
          component: "proxy" as const,
          point: "cursor",
          parameters: { node, ...kind.toPoint(parameters) },
        })),
        hits: names,
      };
    },
  });

const stall = cursorFault({
  name: "proxy-stall",
  summary: "the proxies of nodes hear of no change: their tables stay as they are",
  toPoint: () => ({ stalled: true }),
});

const lag = cursorFault({
  name: "proxy-lag",
  summary: "the proxies of nodes hear of every change late",
  parameters: { lag: { type: "duration", help: "how late" } },
  toPoint: (parameters) => ({ delayMs: parameters["lag"] }),
});

const modeSwitch = definePointFault({
  name: "proxy-mode-switch",
  summary: "the proxies of nodes work in another mode",
  layer: "proxy",
  targets: "nodes",
  parameters: {
    proxyMode: { type: "text", help: "userspace, iptables, nftables, or ipvs with its scheduler: ipvs-lc" },
  },
  claims: ({ hits }) => hits.map((node) => `mode of node/${node}`),
  async choose(context, { target, parameters }) {
    const names = await nodeNames(context, target);
    return {
      leases: names.map((node) => ({
        component: "proxy" as const,
        point: "mode",
        parameters: { node, mode: parameters["proxyMode"] },
      })),
      hits: names,
    };
  },
});

const minSyncPeriod = definePointFault({
  name: "proxy-min-sync-period",
  summary: "all proxies write their rules at most so often",
  layer: "proxy",
  targets: "none",
  parameters: { period: { type: "duration", help: "between two syncs" } },
  choose: (_context, { parameters }) =>
    Promise.resolve({
      leases: [
        {
          component: "proxy" as const,
          point: "min-sync-period",
          parameters: { periodMs: parameters["period"] },
        },
      ],
      hits: ["proxy"],
    }),
});

const partialSync = definePointFault({
  name: "proxy-partial-sync",
  summary:
    "a share of the rules that proxies write never takes effect, until they write everything anew at the end",
  layer: "proxy",
  targets: "none",
  parameters: { share: { type: "percent", help: "of all service ports" } },
  choose: ({ rng }, { parameters }) =>
    Promise.resolve({
      leases: [
        {
          component: "dataplane" as const,
          point: "partial-program",
          parameters: { percent: parameters["share"], salt: rng.suffix(8) },
        },
      ],
      hits: ["dataplane"],
    }),
});

const conntrackNotFlushed = definePointFault({
  name: "conntrack-not-flushed",
  summary: "UDP goes on to endpoints that are gone, as long as its client sends",
  layer: "proxy",
  targets: "none",
  choose: () =>
    Promise.resolve({
      leases: [{ component: "dataplane" as const, point: "stale-conntrack", parameters: {} }],
      hits: ["dataplane"],
    }),
});

/** Kernel and proxy together: nobody is there to write what is gone. */
const emptyTables = defineFault<{ nodes: string[] }>({
  name: "proxy-empty-tables",
  summary:
    "the proxy is down and the rules of nodes are gone, as after a restart that begins with an empty table",
  layer: "proxy",
  targets: "nodes",
  parameters: {},
  claims: () => ["process/proxy"],
  async choose(context, { target }) {
    const names = await nodeNames(context, target);
    return names.length === 0 ? undefined : { nodes: names };
  },
  async inject({ processes, components }, { nodes }, { id, endsAtMs }) {
    await processes.stop("proxy");
    await components.hold("dataplane", { id, point: "flush-tables", parameters: { nodes }, endsAtMs });
  },
  async heal({ processes, components }, _target, { id }) {
    await processes.start("proxy");
    await components.release("dataplane", id);
  },
});

/** Proxies: how and when nodes get their rules. A proxy that is killed leaves them: `process-kill`. */
export const proxyFaults: readonly Fault[] = [
  stall,
  lag,
  modeSwitch,
  minSyncPeriod,
  partialSync,
  emptyTables,
  conntrackNotFlushed,
];
