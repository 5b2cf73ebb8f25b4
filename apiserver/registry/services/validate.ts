import type { Service, ServicePort, ServiceSpec } from "../../../machinery/api/core-v1.js";
import {
  duplicate,
  type FieldError,
  type FieldPath,
  field,
  forbidden,
  invalid,
  notSupported,
  required,
} from "../../../machinery/api/field-error.js";
import { isQualifiedName } from "../../../machinery/api/names.js";
import { PROTOCOLS, portNumber, portNumberOrName } from "../validation/fields.js";
import { validateLabels } from "../object-meta.js";
import { check, checkLabel, checkSubdomain } from "../validation/labels.js";
import { isExternallyAccessible, isHeadless, needsHealthCheckPort } from "./rules.js";
import { validateClusterIps, validateExternalIps } from "./validate-ips.js";

const at = field("spec");
const TYPES = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];

/** Upstream: ValidateService, in its order. */
export function validateService({ spec }: Service): FieldError[] {
  const errors: FieldError[] = [];
  const ports = spec.ports ?? [];
  if (ports.length === 0 && !isHeadless(spec) && spec.type !== "ExternalName")
    errors.push(required(at.child("ports")));
  errors.push(...validateByType(spec));
  const names = new Set<string>();
  ports.forEach((port, i) =>
    errors.push(...validatePort(port, ports.length > 1, names, at.child("ports").index(i))),
  );
  errors.push(...validateLabels(spec.selector, at.child("selector")));
  errors.push(...validateAffinity(spec));
  errors.push(...validateClusterIps(spec), ...validateExternalIps(spec));
  if (!TYPES.includes(spec.type)) errors.push(notSupported(at.child("type"), spec.type, TYPES));
  errors.push(...validateNodePorts(spec), ...validateDuplicatePorts(ports));
  errors.push(...validateBalancerFields(spec), ...validateTrafficPolicies(spec));
  return errors;
}

function validateByType(spec: ServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  if ((spec.type === "LoadBalancer" || spec.type === "NodePort") && isHeadless(spec))
    errors.push(
      invalid(at.child("clusterIPs").index(0), "None", `may not be set to 'None' for ${spec.type} services`),
    );
  if (spec.type === "ExternalName") errors.push(...validateExternalName(spec));
  return errors;
}

function validateExternalName(spec: ServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  const unset = "may not be set for ExternalName services";
  if (spec.clusterIPs?.length) errors.push(forbidden(at.child("clusterIPs"), unset));
  if (spec.ipFamilies?.length) errors.push(forbidden(at.child("ipFamilies"), unset));
  if (spec.ipFamilyPolicy) errors.push(forbidden(at.child("ipFamilyPolicy"), unset));
  const name = (spec.externalName ?? "").replace(/\.$/, "");
  if (name === "") errors.push(required(at.child("externalName")));
  else errors.push(...checkSubdomain(name, at.child("externalName")));
  return errors;
}

function validatePort(
  port: ServicePort,
  needsName: boolean,
  names: Set<string>,
  path: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  if (needsName && !port.name) errors.push(required(path.child("name")));
  else if (port.name) {
    errors.push(...checkLabel(port.name, path.child("name")));
    if (names.has(port.name)) errors.push(duplicate(path.child("name"), port.name));
    names.add(port.name);
  }
  errors.push(...portNumber(port.port ?? 0, path.child("port")));
  if (!PROTOCOLS.includes(port.protocol))
    errors.push(notSupported(path.child("protocol"), port.protocol, PROTOCOLS));
  errors.push(...portNumberOrName(port.targetPort, path.child("targetPort")));
  if (port.appProtocol) errors.push(...check(isQualifiedName, port.appProtocol, path.child("appProtocol")));
  return errors;
}

const AFFINITIES = ["ClientIP", "None"];
const MAX_AFFINITY_SECONDS = 86400;

function validateAffinity(spec: ServiceSpec): FieldError[] {
  if (!AFFINITIES.includes(spec.sessionAffinity))
    return [notSupported(at.child("sessionAffinity"), spec.sessionAffinity, AFFINITIES)];
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (spec.sessionAffinity === "ClientIP" && seconds !== undefined)
    if (seconds <= 0 || seconds > MAX_AFFINITY_SECONDS)
      return [
        invalid(
          at.child("sessionAffinityConfig", "clientIP", "timeoutSeconds"),
          seconds,
          `must be greater than 0 and less than ${MAX_AFFINITY_SECONDS}`,
        ),
      ];
  return [];
}

function validateNodePorts(spec: ServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  const taken = new Set<string>();
  for (const [i, port] of (spec.ports ?? []).entries()) {
    if (!port.nodePort) continue;
    const path = at.child("ports").index(i).child("nodePort");
    if (spec.type === "ClusterIP") errors.push(forbidden(path, "may not be used when `type` is 'ClusterIP'"));
    const key = `${port.protocol}/${port.nodePort}`;
    if (taken.has(key)) errors.push(duplicate(path, port.nodePort));
    taken.add(key);
  }
  return errors;
}

function validateDuplicatePorts(ports: readonly ServicePort[]): FieldError[] {
  const seen = new Set<string>();
  return ports.flatMap(({ protocol, port }, i) => {
    const key = `${protocol}/${port}`;
    const repeated = seen.has(key);
    seen.add(key);
    return repeated ? [duplicate(at.child("ports").index(i), internalPort(protocol, port))] : [];
  });
}

/** Messages show the server's internal form of a port. */
const internalPort = (protocol: string, port: number): object => ({
  Name: "",
  Protocol: protocol,
  AppProtocol: null,
  Port: port,
  TargetPort: 0,
  NodePort: 0,
});

function validateBalancerFields(spec: ServiceSpec): FieldError[] {
  if (spec.type === "LoadBalancer") return [];
  const message = "may only be used when `type` is 'LoadBalancer'";
  const errors: FieldError[] = [];
  if (spec.loadBalancerSourceRanges?.length)
    errors.push(forbidden(at.child("LoadBalancerSourceRanges"), message));
  for (const name of ["allocateLoadBalancerNodePorts", "loadBalancerClass"] as const)
    if (spec[name] !== undefined) errors.push(forbidden(at.child(name), message));
  return errors;
}

const POLICIES = ["Cluster", "Local"];
const DISTRIBUTIONS = ["PreferClose", "PreferSameNode", "PreferSameZone"];

function validateTrafficPolicies(spec: ServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  const { externalTrafficPolicy: external, internalTrafficPolicy: internal } = spec;
  if (external && !isExternallyAccessible(spec))
    errors.push(
      invalid(
        at.child("externalTrafficPolicy"),
        external,
        "may only be set for externally-accessible services",
      ),
    );
  else if (external && !POLICIES.includes(external))
    errors.push(notSupported(at.child("externalTrafficPolicy"), external, POLICIES));
  if (spec.healthCheckNodePort && !needsHealthCheckPort(spec))
    errors.push(
      invalid(
        at.child("healthCheckNodePort"),
        spec.healthCheckNodePort,
        "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
      ),
    );
  if (internal && !POLICIES.includes(internal))
    errors.push(notSupported(at.child("internalTrafficPolicy"), internal, POLICIES));
  if (spec.trafficDistribution && !DISTRIBUTIONS.includes(spec.trafficDistribution))
    errors.push(notSupported(at.child("trafficDistribution"), spec.trafficDistribution, DISTRIBUTIONS));
  return errors;
}

/** Upstream: ValidateServiceUpdate. */
export function validateServiceUpdate(service: Service, old: Service): FieldError[] {
  const errors: FieldError[] = [];
  const [now, before] = [service.spec.clusterIPs?.[0], old.spec.clusterIPs?.[0]];
  if (service.spec.type !== "ExternalName" && old.spec.type !== "ExternalName" && before)
    if (now !== before)
      errors.push(
        invalid(at.child("clusterIPs").index(0), service.spec.clusterIPs ?? [], "may not change once set"),
      );
  if (old.spec.loadBalancerClass && service.spec.type === "LoadBalancer" && old.spec.type === "LoadBalancer")
    if (service.spec.loadBalancerClass !== old.spec.loadBalancerClass)
      errors.push(
        invalid(
          at.child("loadBalancerClass"),
          service.spec.loadBalancerClass ?? null,
          "may not change once set",
        ),
      );
  return [...errors, ...validateService(service)];
}
