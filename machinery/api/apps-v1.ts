import type { PodTemplateSpec } from "./core-v1.js";
import type { Condition, IntOrString, KubeObject, LabelSelector } from "./meta-v1.js";
import { resource } from "./resource.js";

export interface WorkloadCondition {
  type: string;
  status: "True" | "False" | "Unknown";
  lastUpdateTime?: string;
  lastTransitionTime?: string;
  reason?: string;
  message?: string;
}

export interface ReplicaSet extends KubeObject {
  spec: { replicas: number; minReadySeconds?: number; selector: LabelSelector; template: PodTemplateSpec };
  status: {
    replicas: number;
    fullyLabeledReplicas?: number;
    readyReplicas?: number;
    availableReplicas?: number;
    terminatingReplicas?: number;
    observedGeneration?: number;
    conditions?: WorkloadCondition[];
  };
}
export const replicaSets = resource<ReplicaSet>("apps/v1", "ReplicaSet", {
  plural: "replicasets",
  shortNames: ["rs"],
  categories: ["all"],
});

export interface Deployment extends KubeObject {
  spec: {
    replicas: number;
    selector: LabelSelector;
    template: PodTemplateSpec;
    strategy: {
      type: "RollingUpdate" | "Recreate";
      rollingUpdate?: { maxUnavailable?: IntOrString; maxSurge?: IntOrString };
    };
    minReadySeconds?: number;
    revisionHistoryLimit?: number;
    paused?: boolean;
    progressDeadlineSeconds?: number;
  };
  status: {
    observedGeneration?: number;
    replicas?: number;
    updatedReplicas?: number;
    readyReplicas?: number;
    availableReplicas?: number;
    unavailableReplicas?: number;
    terminatingReplicas?: number;
    conditions?: WorkloadCondition[];
    collisionCount?: number;
  };
}
export const deployments = resource<Deployment>("apps/v1", "Deployment", {
  plural: "deployments",
  shortNames: ["deploy"],
  categories: ["all"],
});

/** Body of the `scale` subresource (autoscaling/v1). */
export interface Scale extends KubeObject {
  spec: { replicas?: number };
  status: { replicas: number; selector?: string };
}

export type { Condition };
