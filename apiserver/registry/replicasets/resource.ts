import { type ReplicaSet, replicaSets } from "../../../machinery/api/apps-v1.js";
import {
  ageColumn,
  ageOf,
  formatLabelSelector,
  integerColumn,
  nameColumn,
  textColumn,
  wide,
} from "../printing.js";
import { scaleOf } from "../scale.js";
import { type Strategy, serve } from "../serve.js";
import { defaultPodTemplate } from "../templates/pod-spec-defaults.js";
import { imagesOf, namesOf } from "../templates/printing.js";
import { validateReplicaSet, validateReplicaSetStatus, validateReplicaSetUpdate } from "./validate.js";

function defaultReplicaSet(replicaSet: ReplicaSet): void {
  replicaSet.spec ??= {} as ReplicaSet["spec"];
  replicaSet.status ??= { replicas: 0 };
  const { spec } = replicaSet;
  spec.replicas ??= 1;
  spec.template ??= { metadata: {}, spec: { containers: [], restartPolicy: "Always" } };
  defaultPodTemplate(spec.template);
}

const strategy: Strategy<ReplicaSet> = {
  defaults: defaultReplicaSet,
  prepareForCreate(replicaSet) {
    replicaSet.status = { replicas: 0 };
  },
  prepareForUpdate(replicaSet, old) {
    replicaSet.status = old.status;
  },
  validate: validateReplicaSet,
  validateUpdate: validateReplicaSetUpdate,
};

const statusStrategy: Strategy<ReplicaSet> = {
  prepareForUpdate(replicaSet, old) {
    replicaSet.spec = old.spec;
  },
  validateUpdate: validateReplicaSetStatus,
};

export const replicaSetResource = serve(replicaSets, {
  strategy,
  columns: [
    nameColumn,
    integerColumn("Desired", "Number of desired pods."),
    integerColumn("Current", "The most recently observed number of replicas."),
    integerColumn("Ready", "The number of pods with a Ready condition."),
    ageColumn,
    wide(textColumn("Containers", "Names of each container in the template.")),
    wide(textColumn("Images", "Images referenced by each container in the template.")),
    wide(textColumn("Selector", "The label query over pods that should match the replica count.")),
  ],
  row: (replicaSet, nowMs) => [
    replicaSet.metadata.name,
    replicaSet.spec.replicas,
    replicaSet.status.replicas ?? 0,
    replicaSet.status.readyReplicas ?? 0,
    ageOf(replicaSet, nowMs),
    namesOf(replicaSet.spec.template),
    imagesOf(replicaSet.spec.template),
    formatLabelSelector(replicaSet.spec.selector),
  ],
  selectableFields: ["status.replicas"],
  fieldsOf: (replicaSet) => ({ "status.replicas": String(replicaSet.status.replicas ?? 0) }),
  subresources: {
    status: { kind: "view", strategy: statusStrategy, verbs: ["get", "patch", "update"] },
    scale: scaleOf<ReplicaSet>(),
  },
});
