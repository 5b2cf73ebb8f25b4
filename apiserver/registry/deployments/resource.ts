import { type Deployment, deployments } from "../../../machinery/api/apps-v1.js";
import { field } from "../../../machinery/api/field-error.js";
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
import { semanticEqual } from "../semantic-equal.js";
import { type Strategy, serve } from "../serve.js";
import { imagesOf, namesOf } from "../templates/printing.js";
import { nameWarnings, podSpecWarnings } from "../templates/warnings.js";
import { defaultDeployment } from "./defaults.js";
import { validateDeployment, validateDeploymentStatus, validateDeploymentUpdate } from "./validate.js";

const strategy: Strategy<Deployment> = {
  defaults: defaultDeployment,
  prepareForCreate(deployment) {
    deployment.status = {};
  },
  prepareForUpdate(deployment, old) {
    deployment.status = old.status;
  },
  validate: validateDeployment,
  validateUpdate: validateDeploymentUpdate,
  warningsOnCreate: (deployment) => [
    ...nameWarnings(deployment.metadata.name, "Pod names and hostnames"),
    ...podSpecWarnings(deployment.spec.template.spec, field("spec", "template", "spec")),
  ],
  // Annotations carry what rollout commands act on, so the controller must notice them as well.
  generationChanged: (deployment, old) =>
    !semanticEqual(deployment.spec, old.spec) ||
    !semanticEqual(deployment.metadata.annotations, old.metadata.annotations),
};

const statusStrategy: Strategy<Deployment> = {
  prepareForUpdate(deployment, old) {
    deployment.spec = old.spec;
    if (old.metadata.labels) deployment.metadata.labels = old.metadata.labels;
    else delete deployment.metadata.labels;
  },
  validateUpdate: validateDeploymentStatus,
  generationChanged: () => false,
};

export const deploymentResource = serve(deployments, {
  strategy,
  columns: [
    nameColumn,
    textColumn("Ready", "Number of the pod with ready state"),
    integerColumn(
      "Up-to-date",
      "Total number of non-terminating pods targeted by this deployment that have the desired template spec.",
    ),
    integerColumn(
      "Available",
      "Total number of available non-terminating pods (ready for at least minReadySeconds) targeted by this deployment.",
    ),
    ageColumn,
    wide(textColumn("Containers", "Names of each container in the template.")),
    wide(textColumn("Images", "Images referenced by each container in the template.")),
    wide(textColumn("Selector", "Label selector for pods.")),
  ],
  row: ({ metadata, spec, status }, nowMs) => [
    metadata.name,
    `${status.readyReplicas ?? 0}/${spec.replicas}`,
    status.updatedReplicas ?? 0,
    status.availableReplicas ?? 0,
    ageOf({ apiVersion: "", kind: "", metadata }, nowMs),
    namesOf(spec.template),
    imagesOf(spec.template),
    formatLabelSelector(spec.selector),
  ],
  subresources: {
    status: { kind: "view", strategy: statusStrategy, verbs: ["get", "patch", "update"] },
    scale: scaleOf<Deployment>(),
  },
});
