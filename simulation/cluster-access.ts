import type { ClusterAccess } from "../chaos/cluster-access.js";
import type { ManifestSource, Scenario } from "../chaos/scenario/types.js";
import type { ManifestDocument } from "../cli/manifests.js";
import { applyWhileStarting } from "../cli/objects/apply.js";
import { builtInResource } from "../cli/resource-for.js";
import { type NodeConfig, numberedNodes } from "../kubelet-sim/node/node-config.js";
import type { KubeObject } from "../machinery/api/meta-v1.js";
import type { SimulatedCluster, SimulationOptions } from "./cluster.js";
import { HostRequests } from "./host-requests.js";

/** Files and folders of a scenario, read before the run: a simulation reads none. */
export type ReadManifests = ReadonlyMap<string, readonly ManifestDocument[]>;

/** A simulated cluster, as scenarios reach it. */
export function simulatedAccess(cluster: SimulatedCluster, files: ReadManifests): ClusterAccess {
  const host = new HostRequests(cluster.clock, () => cluster.dataPlaneProcess);
  const { client, clock, faults, reach } = cluster;
  return {
    client,
    clock,
    faults,
    shape: async () => ({ nodes: cluster.kubelets.kubelets.length }),
    async apply(manifests, signal) {
      const documents = manifests.flatMap((source) => documentsOf(source, files));
      await applyWhileStarting({ client, namespace: "default" }, builtInResource, documents, clock, signal);
    },
    requestFromHost: (request) => host.send(request),
    flows: async (fromMs, toMs) => cluster.flows().filter(({ atMs }) => atMs >= fromMs && atMs <= toMs),
    processes: async () => cluster.processes.all.filter(({ isRunning }) => isRunning).map(({ name }) => name),
    inspect: (component, path) => reach.components.inspect(component, path),
  };
}

function documentsOf(source: ManifestSource, files: ReadManifests): readonly ManifestDocument[] {
  if (typeof source !== "string")
    return [{ object: source as unknown as KubeObject, source: "the scenario" }];
  const documents = files.get(source);
  if (!documents) throw new RangeError(`${source} was not read before the simulation`);
  return documents;
}

/** The cluster that a scenario asks for. */
export function clusterOptions({ cluster: shape, seed }: Scenario): SimulationOptions {
  const { latencies = {}, proxyMode, ipvsScheduler } = shape;
  const range = (value: { min: number; max: number } | undefined) =>
    value && { minMs: value.min, maxMs: value.max };
  const api = range(latencies.apiMs);
  const watch = range(latencies.watchMs) ?? api;
  const network = range(latencies.networkMs);
  const image = shape.images?.["default"];
  const pull = range(image?.pullMs);
  const start = range(image?.startMs);
  const boot = range(image?.bootMs);
  return {
    seed,
    nodes: zonedNodes(shape.nodes ?? 3, shape.zones),
    proxyMode: proxyMode === "ipvs" && ipvsScheduler ? `ipvs-${ipvsScheduler}` : proxyMode,
    podCidr: shape.podCIDR,
    ipReuse: shape.reusePolicy,
    historyMs: shape.historyMs,
    latencies: { ...(api ? { api } : {}), ...(watch ? { watch } : {}), ...(network ? { network } : {}) },
    containerLatency: {
      ...(pull ? { pull } : {}),
      ...(start ? { start } : {}),
      ...(boot ? { boot } : {}),
    },
  };
}

/** Nodes are spread over the zones in turn. */
const zonedNodes = (count: number, zones: readonly string[] = []): NodeConfig[] =>
  numberedNodes(count).map((node, i) => {
    const zone = zones[i % zones.length];
    return zone === undefined ? node : { ...node, zone, region: "local" };
  });
