import { fileURLToPath } from "node:url";
import { nodes, services } from "../../machinery/api/core-v1.js";
import { endpointSlices } from "../../machinery/api/discovery-v1.js";
import type { RestClient } from "../../machinery/client/rest-client.js";
import { SimulatedCluster } from "../../simulation/cluster.js";
import { serviceOfSlice } from "../../proxy-sim/cluster-view.js";
import { readManifests } from "../manifests.js";
import { applyWhileStarting } from "../objects/apply.js";
import { builtInResource } from "../resource-for.js";
import type { ClusterObjects } from "./subject.js";

const DEMO_MANIFESTS = fileURLToPath(new URL("../../../manifests/demo", import.meta.url));
const READY_LIMIT_MS = 120_000;

/** Services, slices and Nodes as they are now. */
export async function objectsOf(client: RestClient): Promise<ClusterObjects> {
  const [allServices, slices, allNodes] = await Promise.all([
    client.list(services),
    client.list(endpointSlices),
    client.list(nodes),
  ]);
  return { services: allServices.items, slices: slices.items, nodes: allNodes.items };
}

/** The objects of a cluster that is started, and ended, in virtual time: manifests applied, the Service's pods ready. */
export async function simulatedObjects(options: {
  seed: string;
  nodes: number;
  files: readonly string[];
  service: string;
  signal: AbortSignal;
}): Promise<ClusterObjects> {
  const { seed, nodes: count, files, service, signal } = options;
  const documents = readManifests(files.length > 0 ? files : [DEMO_MANIFESTS]);
  const cluster = await SimulatedCluster.start({ seed, nodes: count });
  const { client, clock } = cluster;
  await cluster.settle(
    applyWhileStarting({ client, namespace: "default" }, builtInResource, documents, clock, signal),
  );
  await cluster.until(
    async () => isReady((await client.list(endpointSlices)).items, service),
    READY_LIMIT_MS,
    `every endpoint of ${service} being ready`,
  );
  const objects = await cluster.settle(objectsOf(client));
  await cluster.stop();
  return objects;
}

function isReady(slices: ClusterObjects["slices"], service: string): boolean {
  const endpoints = slices
    .filter((slice) => serviceOfSlice(slice) === service)
    .flatMap((slice) => slice.endpoints ?? []);
  return endpoints.length > 0 && endpoints.every(({ conditions }) => conditions?.ready === true);
}
