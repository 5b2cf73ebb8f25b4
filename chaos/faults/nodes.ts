import { type Node, nodes, type Taint } from "../../machinery/api/core-v1.js";
import { isConflict } from "../../machinery/api/status.js";
import { defineFault, type Fault } from "../fault.js";
import { orGone } from "../or-gone.js";
import { definePointFault } from "../point-fault.js";
import type { Reach } from "../reach.js";
import { chooseNodes, ZONE_LABEL } from "../targets.js";
import { evictPods } from "./evict.js";

interface ChosenNodes {
  nodes: string[];
}

const claimNodes = ({ nodes: names }: ChosenNodes): string[] => names.map((name) => `node/${name}`);
const namesOf = (chosen: readonly Node[]): string[] => chosen.map(({ metadata }) => metadata.name);

const powerLeases = (names: readonly string[]) => ({
  // The kernel goes first: what still runs in the containers can reach nobody any more.
  leases: names.flatMap((node) => [
    { component: "dataplane" as const, point: "node-kernel", parameters: { node } },
    { component: "kubelet" as const, point: "node-power", parameters: { node } },
  ]),
  hits: [...names],
});

const nodeCrash = definePointFault({
  name: "node-crash",
  summary:
    "nodes lose their power: kubelet, pods, tables and connections are gone at once; they boot at the end",
  layer: "node",
  targets: "nodes",
  claims: ({ hits }) => hits.map((name) => `node/${name}`),
  choose: async (context, { target }) => powerLeases(namesOf(await chooseNodes(context, target))),
});

const zoneOutage = definePointFault({
  name: "zone-outage",
  summary: "all nodes of a zone lose their power; without `zone` one zone is drawn",
  layer: "node",
  targets: "nodes",
  claims: ({ hits }) => hits.map((name) => `node/${name}`),
  async choose(context, { target }) {
    const all = await chooseNodes(context, { ...target, mode: "all" });
    const zones = [...new Set(all.map(({ metadata }) => metadata.labels?.[ZONE_LABEL] ?? ""))]
      .filter(Boolean)
      .sort();
    if (zones.length === 0) return undefined;
    const zone = context.rng.pick(zones);
    return powerLeases(namesOf(all.filter(({ metadata }) => metadata.labels?.[ZONE_LABEL] === zone)));
  },
});

const kubeletStop = definePointFault({
  name: "heartbeat-loss",
  summary: "kubelets no longer report: nodes become NotReady although their pods go on",
  layer: "node",
  targets: "nodes",
  async choose(context, { target }) {
    const names = namesOf(await chooseNodes(context, target));
    return {
      leases: names.map((node) => ({
        component: "kubelet" as const,
        point: "heartbeats",
        parameters: { node },
      })),
      hits: names,
    };
  },
});

const cordon = defineFault<ChosenNodes>({
  name: "cordon",
  summary: "nodes take no new pods",
  layer: "node",
  targets: "nodes",
  parameters: {},
  claims: claimNodes,
  choose: chosenNodes,
  inject: (reach, { nodes: names }) => setUnschedulable(reach, names, true),
  heal: (reach, { nodes: names }) => setUnschedulable(reach, names, false),
});

const drain = defineFault<ChosenNodes & { gracePeriodSeconds?: number }>({
  name: "drain",
  summary: "nodes are cordoned and their pods evicted, as kubectl drain does; uncordoned at the end",
  layer: "node",
  targets: "nodes",
  parameters: {
    gracePeriod: { type: "duration", help: "instead of the pods' own", optional: true },
  },
  claims: claimNodes,
  async choose(context, spec) {
    const chosen = await chosenNodes(context, spec);
    const { gracePeriod } = spec.parameters;
    return chosen && typeof gracePeriod === "number"
      ? { ...chosen, gracePeriodSeconds: Math.ceil(gracePeriod / 1000) }
      : chosen;
  },
  async inject(reach, { nodes: names, gracePeriodSeconds }, { endsAtMs }) {
    await setUnschedulable(reach, names, true);
    for (const node of names) await evictPods(reach, { node, gracePeriodSeconds, untilMs: endsAtMs });
  },
  heal: (reach, { nodes: names }) => setUnschedulable(reach, names, false),
});

interface Tainted extends ChosenNodes {
  taint: Taint;
}

const taint = defineFault<Tainted>({
  name: "taint",
  summary: "nodes get a taint; with NoExecute pods that do not tolerate it are evicted",
  layer: "node",
  targets: "nodes",
  parameters: {
    key: { type: "text", help: "of the taint", default: "chaos.kubesim.dev/fault" },
    value: { type: "text", help: "of the taint", optional: true },
    effect: {
      type: "choice",
      help: "what it does",
      choices: ["NoSchedule", "PreferNoSchedule", "NoExecute"],
      default: "NoExecute",
    },
  },
  claims: ({ nodes: names, taint: { key } }) => names.map((name) => `taint ${key} of node/${name}`),
  async choose(context, spec) {
    const chosen = await chosenNodes(context, spec);
    const { key, value, effect } = spec.parameters as {
      key: string;
      value?: string;
      effect: Taint["effect"];
    };
    return chosen && { ...chosen, taint: { key, effect, ...(value === undefined ? {} : { value }) } };
  },
  inject: (reach, target) => setTaint(reach, target, true),
  heal: (reach, target) => setTaint(reach, target, false),
});

async function chosenNodes(
  context: Parameters<typeof chooseNodes>[0],
  { target }: { target: Parameters<typeof chooseNodes>[1] },
): Promise<ChosenNodes | undefined> {
  const names = namesOf(await chooseNodes(context, target));
  return names.length === 0 ? undefined : { nodes: names };
}

async function setUnschedulable(
  { client }: Reach,
  names: readonly string[],
  unschedulable: boolean,
): Promise<void> {
  for (const name of names)
    await orGone(
      client.patch(
        nodes,
        { name },
        { type: "merge", body: { spec: { unschedulable: unschedulable || null } } },
      ),
    );
}

async function setTaint(
  reach: Reach,
  { nodes: names, taint: wanted }: Tainted,
  present: boolean,
): Promise<void> {
  for (const name of names) await orGone(changeTaint(reach, name, wanted, present));
}

/** Reads and writes until nobody came between: the node controller writes taints too. */
async function changeTaint({ client }: Reach, name: string, wanted: Taint, present: boolean): Promise<void> {
  for (;;) {
    const node = await client.get(nodes, { name });
    const others = (node.spec.taints ?? []).filter(
      ({ key, effect }) => key !== wanted.key || effect !== wanted.effect,
    );
    const taints = present ? [...others, wanted] : others;
    try {
      await client.update(nodes, { ...node, spec: { ...node.spec, taints } });
      return;
    } catch (err) {
      if (!isConflict(err)) throw err;
    }
  }
}

export const nodeFaults: readonly Fault[] = [nodeCrash, zoneOutage, kubeletStop, cordon, drain, taint];
