import type { Container, ContainerPort, PodSpec } from "../../../machinery/api/core-v1.js";
import {
  duplicate,
  type FieldError,
  type FieldPath,
  forbidden,
  invalid,
  notSupported,
  required,
} from "../../../machinery/api/field-error.js";
import { isPortName } from "../../../machinery/api/names.js";
import { validateEnv, validateEnvFrom } from "./env.js";
import { portNumber, PROTOCOLS } from "./fields.js";
import { checkLabel } from "./labels.js";
import { validateProbesAndHooks } from "./probes.js";
import { validateResources } from "./resources.js";
import { validateVolumeMounts } from "./volumes.js";

/** Upstream: validateContainers, validateInitContainers and their host port checks. */
export function validateContainers(spec: PodSpec, at: FieldPath): FieldError[] {
  const volumeNames = new Set((spec.volumes ?? []).map((volume) => volume.name));
  const grace = spec.terminationGracePeriodSeconds ?? 30;
  return [
    ...validateRegular(spec, volumeNames, grace, at.child("containers")),
    ...validateInit(spec, volumeNames, grace, at.child("initContainers")),
  ];
}

function validateRegular(
  spec: PodSpec,
  volumeNames: ReadonlySet<string>,
  grace: number,
  at: FieldPath,
): FieldError[] {
  if (spec.containers.length === 0) return [required(at)];
  const names = new Set<string>();
  const errors = spec.containers.flatMap((container, i) => {
    const path = at.index(i);
    const own = validateContainer(container, spec, volumeNames, path);
    if (names.has(container.name)) own.push(duplicate(path.child("name"), container.name));
    names.add(container.name);
    return [...own, ...validateProbesAndHooks(container, grace, path)];
  });
  return [...errors, ...hostPortConflicts(spec.containers, at)];
}

function validateInit(
  spec: PodSpec,
  volumeNames: ReadonlySet<string>,
  grace: number,
  at: FieldPath,
): FieldError[] {
  const names = new Set(spec.containers.map((container) => container.name));
  const errors = (spec.initContainers ?? []).flatMap((container, i) => {
    const path = at.index(i);
    const own = validateContainer(container, spec, volumeNames, path);
    if (names.has(container.name)) own.push(duplicate(path.child("name"), container.name));
    names.add(container.name);
    if (container.restartPolicy === "Always") own.push(...validateProbesAndHooks(container, grace, path));
    else own.push(...forbiddenForInit(container, path));
    return own;
  });
  return [...errors, ...hostPortConflicts(spec.initContainers ?? [], at)];
}

const forbiddenForInit = (container: Container, at: FieldPath): FieldError[] =>
  (["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] as const)
    .filter((name) => container[name] !== undefined)
    .map((name) =>
      forbidden(at.child(name), "may not be set for init containers without restartPolicy=Always"),
    );

const PULL_POLICIES = ["Always", "IfNotPresent", "Never"];
const MESSAGE_POLICIES = ["File", "FallbackToLogsOnError"];

/** What holds for containers of every sort. */
function validateContainer(
  container: Container,
  spec: PodSpec,
  volumeNames: ReadonlySet<string>,
  at: FieldPath,
): FieldError[] {
  const errors: FieldError[] = container.name
    ? checkLabel(container.name, at.child("name"))
    : [required(at.child("name"))];
  if (!container.image) errors.push(required(at.child("image")));
  if (!MESSAGE_POLICIES.includes(container.terminationMessagePolicy ?? ""))
    errors.push(
      notSupported(
        at.child("terminationMessagePolicy"),
        container.terminationMessagePolicy,
        MESSAGE_POLICIES,
      ),
    );
  errors.push(...validatePorts(container.ports, at.child("ports")));
  errors.push(...validateEnv(container.env, at.child("env")));
  errors.push(...validateEnvFrom(container.envFrom, at.child("envFrom")));
  errors.push(...validateVolumeMounts(container.volumeMounts, volumeNames, at.child("volumeMounts")));
  if (!PULL_POLICIES.includes(container.imagePullPolicy ?? ""))
    errors.push(notSupported(at.child("imagePullPolicy"), container.imagePullPolicy, PULL_POLICIES));
  errors.push(...validateResources(container.resources, at.child("resources")));
  return errors;
}

/** Pods only: templates may carry what a pod may not (upstream validateContainerOnlyForPod). */
export function validateImageSpacing(image: string | undefined, at: FieldPath): FieldError[] {
  if (!image || image.trim() === image) return [];
  return [invalid(at, image, "must not have leading or trailing whitespace")];
}

function validatePorts(ports: readonly ContainerPort[] | undefined, at: FieldPath): FieldError[] {
  const names = new Set<string>();
  return (ports ?? []).flatMap((port, i) => {
    const path = at.index(i);
    const errors: FieldError[] = [];
    if (port.name) {
      const messages = isPortName(port.name);
      errors.push(...messages.map((message) => invalid(path.child("name"), port.name, message)));
      if (messages.length === 0 && names.has(port.name))
        errors.push(duplicate(path.child("name"), port.name));
      names.add(port.name);
    }
    if (!port.containerPort) errors.push(required(path.child("containerPort")));
    else errors.push(...portNumber(port.containerPort, path.child("containerPort")));
    if (port.hostPort) errors.push(...portNumber(port.hostPort, path.child("hostPort")));
    if (!PROTOCOLS.includes(port.protocol))
      errors.push(notSupported(path.child("protocol"), port.protocol, PROTOCOLS));
    return errors;
  });
}

/** Upstream: validatePodHostNetworkDeps. A template may leave hostPort to be filled in when its pods are made. */
export const validateHostNetworkPorts = (spec: PodSpec, ofPod: boolean, at: FieldPath): FieldError[] =>
  spec.containers.flatMap((container, i) =>
    (container.ports ?? []).flatMap(({ containerPort, hostPort = 0 }, j) =>
      (!ofPod && hostPort === 0) || hostPort === containerPort
        ? []
        : [
            invalid(
              at.index(i).child("ports").index(j).child("hostPort"),
              hostPort,
              "must match `containerPort` when `hostNetwork` is true",
            ),
          ],
    ),
  );

function hostPortConflicts(containers: readonly Container[], at: FieldPath): FieldError[] {
  const taken = new Set<string>();
  const errors: FieldError[] = [];
  for (const [i, container] of containers.entries())
    for (const [j, port] of (container.ports ?? []).entries()) {
      if (!port.hostPort) continue;
      const claim = `${port.protocol}/${port.hostIP ?? ""}/${port.hostPort}`;
      if (taken.has(claim))
        errors.push(duplicate(at.index(i).child("ports").index(j).child("hostPort"), claim));
      taken.add(claim);
    }
  return errors;
}
