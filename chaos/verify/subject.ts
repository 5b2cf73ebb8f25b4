import type { Deployment } from "../../machinery/api/apps-v1.js";
import type { Service } from "../../machinery/api/core-v1.js";
import type { KubeObject, Manifest } from "../../machinery/api/meta-v1.js";
import { CannotRun } from "../cannot-run.js";

/** Objects as a user's files have them: nothing is defaulted yet. */
export type Given = KubeObject;
export type GivenDeployment = Manifest<Deployment> & Pick<KubeObject, "metadata">;
export type GivenService = Manifest<Service> & Pick<KubeObject, "metadata">;

/** One Deployment, the Services that choose its pods, and everything that is applied with it. */
export interface Subject {
  namespace: string;
  name: string;
  deployment: GivenDeployment;
  services: GivenService[];
  /** In the order of the files; the Deployment and the Services among them. */
  objects: Given[];
}

const DEFAULT_NAMESPACE = "default";

export const namespaceOf = ({ metadata }: Pick<KubeObject, "metadata">): string =>
  metadata.namespace ?? DEFAULT_NAMESPACE;

export const isDeployment = (object: KubeObject): boolean =>
  object.kind === "Deployment" && object.apiVersion === "apps/v1";
const isService = (object: KubeObject): boolean => object.kind === "Service" && object.apiVersion === "v1";

type Identified = Pick<KubeObject, "metadata"> & { kind?: string | undefined };

export const sameObject = (a: Identified, b: Identified): boolean =>
  a.kind === b.kind && a.metadata.name === b.metadata.name && namespaceOf(a) === namespaceOf(b);

/**
 * The Deployments that a Service stands in front of. Rejects with CannotRun when there is none, when a Deployment has no
 * Service while none has one, or when `service` names nothing.
 */
export function findSubjects(objects: readonly Given[], service?: string): Subject[] {
  const deployments = objects.filter(isDeployment) as GivenDeployment[];
  const services = objects.filter(isService) as GivenService[];
  if (deployments.length === 0)
    throw new CannotRun("there is no Deployment (apps/v1) in what was given: nothing to verify");
  if (service !== undefined && !services.some(({ metadata }) => metadata.name === service))
    throw new CannotRun(`there is no Service "${service}"${listOf(services)}`);
  const subjects = deployments
    .map((deployment) => subjectOf(deployment, services, objects))
    .map((subject) =>
      service === undefined
        ? subject
        : { ...subject, services: subject.services.filter(({ metadata }) => metadata.name === service) },
    )
    .filter((subject) => subject.services.length > 0);
  if (subjects.length === 0) throw new CannotRun(whyNone(deployments, services, service));
  for (const subject of subjects) checkSubject(subject);
  return subjects;
}

function subjectOf(
  deployment: GivenDeployment,
  services: readonly GivenService[],
  objects: readonly Given[],
): Subject {
  const namespace = namespaceOf(deployment);
  const labels = deployment.spec?.template?.metadata?.labels ?? {};
  return {
    namespace,
    name: deployment.metadata.name,
    deployment,
    services: services.filter(
      (service) =>
        namespaceOf(service) === namespace &&
        service.spec?.type !== "ExternalName" &&
        selects(service.spec?.selector, labels),
    ),
    objects: [...objects],
  };
}

const selects = (
  selector: Readonly<Record<string, string | undefined>> | undefined,
  labels: Readonly<Record<string, string | undefined>>,
): boolean =>
  selector !== undefined &&
  Object.keys(selector).length > 0 &&
  Object.entries(selector).every(([key, value]) => labels[key] === value);

const listOf = (services: readonly GivenService[]): string =>
  services.length === 0 ? "" : `; there are ${services.map(({ metadata }) => metadata.name).join(", ")}`;

function whyNone(
  deployments: readonly GivenDeployment[],
  services: readonly GivenService[],
  wanted: string | undefined,
): string {
  if (wanted !== undefined) return `Service "${wanted}" selects the pods of no Deployment that was given`;
  const [first] = deployments;
  const labels = Object.entries(first?.spec?.template?.metadata?.labels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
  const selectors = services
    .map(
      ({ metadata, spec }) =>
        `${metadata.name} selects ${Object.entries(spec?.selector ?? {})
          .map(([key, value]) => `${key}=${value}`)
          .join(",")}`,
    )
    .join("; ");
  return `no Service selects the pods of Deployment "${first?.metadata.name}" (labels ${labels || "none"})${selectors ? `: ${selectors}` : ": there is no Service in what was given"}`;
}

function checkSubject({ name, deployment }: Subject): void {
  if (deployment.spec?.replicas === 0)
    throw new CannotRun(`Deployment "${name}" has 0 replicas: there is nothing to send requests to`);
  if (containersOf(deployment).length === 0) throw new CannotRun(`Deployment "${name}" has no containers`);
}

export const containersOf = (deployment: GivenDeployment) =>
  deployment.spec?.template?.spec?.containers ?? [];

export const replicasOf = (deployment: GivenDeployment): number => deployment.spec?.replicas ?? 1;
