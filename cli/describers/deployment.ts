import type { Deployment, ReplicaSet } from "../../machinery/api/apps-v1.js";
import { replicaSets } from "../../machinery/api/apps-v1.js";
import type { PodTemplateSpec } from "../../machinery/api/core-v1.js";
import { annotationLines, type Describer, mapLines, selectorText, timeText } from "./describer.js";
import { containerLines } from "./pod.js";

const REVISION = "deployment.kubernetes.io/revision";

export const deploymentDescriber: Describer<Deployment> = {
  async describe(deployment, { client }) {
    const { metadata, spec, status } = deployment;
    const { items } = await client.list(replicaSets, { namespace: metadata.namespace });
    const owned = items.filter((set) =>
      set.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid),
    );
    const rolling = spec.strategy.rollingUpdate;
    return [
      `Name:\t${metadata.name}`,
      `Namespace:\t${metadata.namespace ?? ""}`,
      `CreationTimestamp:\t${timeText(metadata.creationTimestamp)}`,
      ...mapLines("Labels", metadata.labels),
      ...annotationLines(deployment),
      `Selector:\t${selectorText(spec.selector.matchLabels)}`,
      `Replicas:\t${spec.replicas} desired | ${status.updatedReplicas ?? 0} updated | ${status.replicas ?? 0} total | ${status.availableReplicas ?? 0} available | ${status.unavailableReplicas ?? 0} unavailable`,
      `StrategyType:\t${spec.strategy.type}`,
      `MinReadySeconds:\t${spec.minReadySeconds ?? 0}`,
      ...(rolling
        ? [`RollingUpdateStrategy:\t${rolling.maxUnavailable} max unavailable, ${rolling.maxSurge} max surge`]
        : []),
      "Pod Template:",
      ...templateLines(spec.template),
      "Conditions:",
      "  Type\tStatus\tReason",
      "  ----\t------\t------",
      ...(status.conditions ?? []).map((c) => `  ${c.type} \t${c.status}\t${c.reason}`),
      ...replicaSetLines(deployment, owned),
    ];
  },
};

function templateLines(template: PodTemplateSpec): string[] {
  return [
    ...mapLines("  Labels", template.metadata.labels),
    "  Containers:",
    ...containerLines(template.spec.containers, undefined, "  "),
  ];
}

function replicaSetLines(deployment: Deployment, owned: readonly ReplicaSet[]): string[] {
  const revision = deployment.metadata.annotations?.[REVISION];
  const text = (set: ReplicaSet): string =>
    `${set.metadata.name} (${set.status.replicas}/${set.spec.replicas} replicas created)`;
  const current = owned.filter((set) => set.metadata.annotations?.[REVISION] === revision).map(text);
  const old = owned.filter((set) => set.metadata.annotations?.[REVISION] !== revision).map(text);
  return [
    `OldReplicaSets:\t${old.join(", ") || "<none>"}`,
    `NewReplicaSet:\t${current.join(", ") || "<none>"}`,
  ];
}
