import type {
  Container,
  EnvVar,
  HttpGetAction,
  LifecycleHandler,
  Probe,
  ResourceRequirements,
} from "../../../machinery/api/core-v1.js";
import { canonicalQuantity } from "../../../machinery/api/quantity.js";

// Upstream: pkg/apis/core/v1/defaults.go.

export function defaultContainer(container: Container): void {
  container.imagePullPolicy ||= pullPolicyOf(container.image ?? "");
  container.terminationMessagePath ||= "/dev/termination-log";
  container.terminationMessagePolicy ||= "File";
  container.resources ??= {};
  canonicalizeResources(container.resources);
  for (const port of container.ports ?? []) port.protocol ||= "TCP";
  for (const variable of container.env ?? []) defaultEnvVar(variable);
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe])
    if (probe) defaultProbe(probe);
  defaultHandler(container.lifecycle?.preStop);
  defaultHandler(container.lifecycle?.postStart);
}

/** Always for a missing or `latest` tag; a digest pins the image. */
function pullPolicyOf(image: string): "Always" | "IfNotPresent" {
  if (image.includes("@")) return "IfNotPresent";
  const name = image.slice(image.lastIndexOf("/") + 1);
  const colon = name.indexOf(":");
  const tag = colon < 0 ? "latest" : name.slice(colon + 1);
  return tag === "latest" ? "Always" : "IfNotPresent";
}

function defaultEnvVar(variable: EnvVar): void {
  if (variable.valueFrom?.fieldRef) variable.valueFrom.fieldRef.apiVersion ||= "v1";
  if (variable.valueFrom?.resourceFieldRef) variable.valueFrom.resourceFieldRef.divisor ??= "0";
}

function defaultProbe(probe: Probe): void {
  probe.timeoutSeconds ||= 1;
  probe.periodSeconds ||= 10;
  probe.successThreshold ||= 1;
  probe.failureThreshold ||= 3;
  defaultHttpGet(probe.httpGet);
  if (probe.grpc) probe.grpc.service ??= "";
}

function defaultHandler(handler: LifecycleHandler | undefined): void {
  defaultHttpGet(handler?.httpGet);
}

function defaultHttpGet(action: HttpGetAction | undefined): void {
  if (!action) return;
  action.path ||= "/";
  action.scheme ||= "HTTP";
}

function canonicalizeResources(resources: ResourceRequirements): void {
  for (const list of [resources.limits, resources.requests]) {
    if (!list) continue;
    for (const [name, quantity] of Object.entries(list)) list[name] = canonicalQuantity(quantity);
  }
}

/** A limit without a request is also the request. Pods only; templates stay as written. */
export function requestWhatIsLimited(container: Container): void {
  const limits = container.resources?.limits;
  if (!limits || !container.resources) return;
  const requests = { ...container.resources.requests };
  for (const [name, quantity] of Object.entries(limits)) requests[name] ??= quantity;
  container.resources.requests = requests;
}
