import type { Deployment } from "../../../machinery/api/apps-v1.js";
import { defaultPodTemplate } from "../templates/pod-spec-defaults.js";

/** Upstream: SetDefaults_Deployment. */
export function defaultDeployment(deployment: Deployment): void {
  deployment.spec ??= {} as Deployment["spec"];
  deployment.status ??= {};
  const { spec } = deployment;
  spec.replicas ??= 1;
  spec.strategy ??= { type: "RollingUpdate" };
  spec.strategy.type ||= "RollingUpdate";
  if (spec.strategy.type === "RollingUpdate") {
    spec.strategy.rollingUpdate ??= {};
    spec.strategy.rollingUpdate.maxUnavailable ??= "25%";
    spec.strategy.rollingUpdate.maxSurge ??= "25%";
  }
  spec.revisionHistoryLimit ??= 10;
  spec.progressDeadlineSeconds ??= 600;
  spec.template ??= { metadata: {}, spec: { containers: [], restartPolicy: "Always" } };
  defaultPodTemplate(spec.template);
}
