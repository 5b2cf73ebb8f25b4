import type { PodSpec, PodTemplateSpec } from "../../../machinery/api/core-v1.js";
import {
  duplicate,
  type FieldError,
  type FieldPath,
  forbidden,
  invalid,
  notSupported,
  required,
} from "../../../machinery/api/field-error.js";
import { isQualifiedName, rangeMessage } from "../../../machinery/api/names.js";
import { validateLegacyIp } from "./ip.js";
import { validateContainers, validateHostNetworkPorts } from "./containers.js";
import { validateEphemeralContainers } from "./ephemeral-containers.js";
import { validateAnnotations, validateLabels } from "../object-meta.js";
import { check, checkLabel, checkSubdomain } from "./labels.js";
import { validateAffinity, validateTolerations, validateTopologySpread } from "./scheduling.js";
import { validateVolumes } from "./volumes.js";

const RESTART_POLICIES = ["Always", "OnFailure", "Never"];
const DNS_POLICIES = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
const MAX_INT32 = 2 ** 31 - 1;

/** Upstream: ValidatePodSpec, in its order. */
export function validatePodSpec(spec: PodSpec, at: FieldPath, ofPod: boolean): FieldError[] {
  return [
    ...validateVolumes(spec.volumes, at.child("volumes")),
    ...validateContainers(spec, at),
    ...validateEphemeralContainers(spec, at.child("ephemeralContainers")),
    ...oneOf(RESTART_POLICIES, spec.restartPolicy, at.child("restartPolicy")),
    ...oneOf(DNS_POLICIES, spec.dnsPolicy, at.child("dnsPolicy")),
    ...validateLabels(spec.nodeSelector, at.child("nodeSelector")),
    ...validateAffinity(spec.affinity, at.child("affinity")),
    ...validateDnsConfig(spec, at.child("dnsConfig")),
    ...(spec.readinessGates ?? []).flatMap((gate, i) =>
      check(
        isQualifiedName,
        gate.conditionType ?? "",
        at.child("readinessGates").index(i).child("conditionType"),
      ),
    ),
    ...validateTopologySpread(spec.topologySpreadConstraints, at.child("topologySpreadConstraints")),
    ...validateGates(spec, at.child("schedulingGates")),
    ...(spec.hostNetwork ? validateHostNetworkPorts(spec, ofPod, at.child("containers")) : []),
    ...validateNames(spec, at),
    ...validateTolerations(spec.tolerations, at.child("tolerations")),
    ...validateHostAliases(spec, at.child("hostAliases")),
  ];
}

const oneOf = (supported: readonly string[], value: string | undefined, at: FieldPath): FieldError[] =>
  value !== undefined && supported.includes(value) ? [] : [notSupported(at, value ?? "", supported)];

function validateNames(spec: PodSpec, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (spec.serviceAccountName)
    errors.push(...checkSubdomain(spec.serviceAccountName, at.child("serviceAccountName")));
  if (spec.nodeName) errors.push(...checkSubdomain(spec.nodeName, at.child("nodeName")));
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined && (deadline < 1 || deadline > MAX_INT32))
    errors.push(invalid(at.child("activeDeadlineSeconds"), deadline, rangeMessage(1, MAX_INT32)));
  if (spec.hostname) errors.push(...checkLabel(spec.hostname, at.child("hostname")));
  if (spec.subdomain) errors.push(...checkLabel(spec.subdomain, at.child("subdomain")));
  if (spec.priorityClassName)
    errors.push(...checkSubdomain(spec.priorityClassName, at.child("priorityClassName")));
  return errors;
}

function validateGates(spec: PodSpec, at: FieldPath): FieldError[] {
  const seen = new Set<string>();
  return (spec.schedulingGates ?? []).flatMap(({ name }, i) => {
    const errors = check(isQualifiedName, name ?? "", at.index(i));
    if (seen.has(name)) errors.push(duplicate(at.index(i), name));
    seen.add(name);
    return errors;
  });
}

function validateDnsConfig(spec: PodSpec, at: FieldPath): FieldError[] {
  const nameservers = spec.dnsConfig?.nameservers ?? [];
  if (spec.dnsPolicy === "None" && !spec.dnsConfig)
    return [required(at, "must provide `dnsConfig` when `dnsPolicy` is None")];
  if (spec.dnsPolicy === "None" && nameservers.length === 0)
    return [
      required(at.child("nameservers"), "must provide at least one DNS nameserver when `dnsPolicy` is None"),
    ];
  return nameservers.flatMap((ip, i) => validateLegacyIp(ip, at.child("nameservers").index(i)));
}

const validateHostAliases = (spec: PodSpec, at: FieldPath): FieldError[] =>
  (spec.hostAliases ?? []).flatMap((alias, i) => [
    ...validateLegacyIp(alias.ip ?? "", at.index(i).child("ip")),
    ...(alias.hostnames ?? []).flatMap((name) => checkSubdomain(name, at.index(i).child("hostnames"))),
  ]);

/** Upstream: ValidatePodTemplateSpec. */
export const validatePodTemplate = (template: PodTemplateSpec, at: FieldPath): FieldError[] => [
  ...validateLabels(template.metadata.labels, at.child("labels")),
  ...validateAnnotations(template.metadata.annotations, at.child("annotations")),
  ...validatePodSpec(template.spec, at.child("spec"), false),
  ...(template.spec.ephemeralContainers?.length
    ? [forbidden(at.child("spec", "ephemeralContainers"), "ephemeral containers not allowed in pod template")]
    : []),
];
