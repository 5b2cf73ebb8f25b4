import { deployments, replicaSets } from "../../machinery/api/apps-v1.js";
import { type Pod, pods } from "../../machinery/api/core-v1.js";
import { endpointSlices } from "../../machinery/api/discovery-v1.js";
import { objectKey } from "../../machinery/api/resource.js";
import type { RestClient } from "../../machinery/client/rest-client.js";
import type { Witness } from "../witness.js";

const POLL_MS = 200;

/** Counts objects itself: a status is only what some controller wrote last. */
export const replicasWitness: Witness = {
  name: "replicas",
  async start({ cluster: { client, clock }, scenario }) {
    return {
      testify: async () => {
        const untilMs = clock.monotonicMs() + scenario.steadyState.timeoutMs;
        let missing = await differences(client);
        while (missing.length > 0 && clock.monotonicMs() < untilMs) {
          await clock.sleep(POLL_MS);
          missing = await differences(client);
        }
        return { settled: { atMs: clock.nowMs(), missing } };
      },
    };
  },
};

/** What is not yet as its owner says, in words. */
async function differences(client: RestClient): Promise<string[]> {
  try {
    const all = (await client.list(pods)).items;
    return [
      ...(await ofDeployments(client)),
      ...(await ofReplicaSets(client, all)),
      ...(await ofSlices(client, all)),
    ];
  } catch (err) {
    return [`the API server did not answer: ${err instanceof Error ? err.message : String(err)}`];
  }
}

async function ofDeployments(client: RestClient): Promise<string[]> {
  const { items } = await client.list(deployments);
  return items
    .filter(
      ({ metadata, spec, status }) =>
        (status.observedGeneration ?? 0) < (metadata.generation ?? 0) ||
        (status.updatedReplicas ?? 0) !== spec.replicas ||
        (status.replicas ?? 0) !== spec.replicas,
    )
    .map(
      (deployment) =>
        `deployment ${objectKey(deployment)} has ${deployment.status.updatedReplicas ?? 0} new pods of ${deployment.status.replicas ?? 0}, and wants ${deployment.spec.replicas}`,
    );
}

async function ofReplicaSets(client: RestClient, all: readonly Pod[]): Promise<string[]> {
  const owned = new Map<string, Pod[]>();
  for (const pod of all) {
    const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller)?.uid;
    if (owner === undefined || !isActive(pod)) continue;
    const siblings = owned.get(owner);
    if (siblings) siblings.push(pod);
    else owned.set(owner, [pod]);
  }
  const { items } = await client.list(replicaSets);
  return items.flatMap((replicaSet) => {
    const mine = owned.get(replicaSet.metadata.uid) ?? [];
    const { replicas } = replicaSet.spec;
    const ready = mine.filter(isReady).length;
    return mine.length === replicas && ready === replicas
      ? []
      : [
          `replicaset ${objectKey(replicaSet)} has ${mine.length} pods, ${ready} of them ready, and wants ${replicas}`,
        ];
  });
}

/** Endpoints of pods that are gone. */
async function ofSlices(client: RestClient, all: readonly Pod[]): Promise<string[]> {
  const present = new Set(all.map((pod) => pod.metadata.uid));
  const { items } = await client.list(endpointSlices);
  return items.flatMap((slice) =>
    (slice.endpoints ?? []).flatMap(({ addresses, targetRef }) =>
      targetRef?.kind === "Pod" && targetRef.uid !== undefined && !present.has(targetRef.uid)
        ? [
            `${objectKey(slice)} holds ${addresses.join(", ")} of ${targetRef.namespace}/${targetRef.name}, which is gone`,
          ]
        : [],
    ),
  );
}

const isActive = ({ metadata, status }: Pod): boolean =>
  metadata.deletionTimestamp === undefined && status.phase !== "Succeeded" && status.phase !== "Failed";

const isReady = ({ status }: Pod): boolean =>
  status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false;
