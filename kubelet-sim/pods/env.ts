import type { ConfigMap, Container, EnvVar, Pod, Secret, Service } from "../../machinery/api/core-v1.js";
import { expand } from "./expansion.js";
import { type DownwardContext, fieldValue, resourceFieldValue } from "./field-ref.js";
import { serviceEnv, servicesSeenBy } from "./service-env.js";

/** Reads that may go to the API server; undefined means that the object does not exist. */
export interface ConfigSource {
  configMap(namespace: string, name: string): Promise<ConfigMap | undefined>;
  secret(namespace: string, name: string): Promise<Secret | undefined>;
  services(namespace: string): readonly Service[];
  kubernetesService(): Service | undefined;
}

/** The container cannot be made as its Pod says: waiting reason CreateContainerConfigError. */
export class ContainerConfigError extends Error {
  override readonly name = "ContainerConfigError";
}

const ENV_NAME = /^[-._a-zA-Z][-._a-zA-Z0-9]*$/;

// Upstream: pkg/kubelet/kubelet_pods.go makeEnvironmentVariables.
/** The environment of one container: Services first, then envFrom, then env, each able to override. */
export async function containerEnv(
  container: Container,
  context: DownwardContext,
  source: ConfigSource,
): Promise<Map<string, string>> {
  const namespace = context.pod.metadata.namespace ?? "";
  const services = serviceEnv(
    servicesSeenBy(
      namespace,
      source.services(namespace),
      source.kubernetesService(),
      context.pod.spec.enableServiceLinks ?? true,
    ),
  );
  const result = new Map<string, string>();
  for (const from of container.envFrom ?? []) await addEnvFrom(result, from, namespace, source);
  const known = new Map([...services, ...result]);
  for (const variable of container.env ?? []) {
    const value = await envValue(variable, container, context, source, known);
    if (value === undefined) continue;
    result.set(variable.name, value);
    known.set(variable.name, value);
  }
  for (const [name, value] of services) if (!result.has(name)) result.set(name, value);
  return result;
}

async function addEnvFrom(
  result: Map<string, string>,
  from: NonNullable<Container["envFrom"]>[number],
  namespace: string,
  source: ConfigSource,
): Promise<void> {
  const reference = from.configMapRef ?? from.secretRef;
  if (!reference) return;
  const values = from.configMapRef
    ? (await source.configMap(namespace, reference.name))?.data
    : decoded(await source.secret(namespace, reference.name));
  const exists = from.configMapRef
    ? await source.configMap(namespace, reference.name)
    : await source.secret(namespace, reference.name);
  if (!exists) {
    if (reference.optional) return;
    throw new ContainerConfigError(
      `${from.configMapRef ? "configmap" : "secret"} "${reference.name}" not found`,
    );
  }
  for (const [key, value] of Object.entries(values ?? {})) {
    const name = `${from.prefix ?? ""}${key}`;
    if (ENV_NAME.test(name)) result.set(name, value);
  }
}

async function envValue(
  variable: EnvVar,
  container: Container,
  context: DownwardContext,
  source: ConfigSource,
  known: ReadonlyMap<string, string>,
): Promise<string | undefined> {
  const from = variable.valueFrom;
  if (!from) return expand(variable.value ?? "", known);
  if (from.fieldRef) {
    const value = fieldValue(from.fieldRef.fieldPath, context);
    if (value === undefined)
      throw new ContainerConfigError(`unsupported fieldPath: ${from.fieldRef.fieldPath}`);
    return value;
  }
  if (from.resourceFieldRef) return resourceEnv(from.resourceFieldRef, container, context);
  return keyValue(from, context.pod, source);
}

function resourceEnv(
  reference: NonNullable<NonNullable<EnvVar["valueFrom"]>["resourceFieldRef"]>,
  container: Container,
  context: DownwardContext,
): string {
  const { spec } = context.pod;
  const target = reference.containerName
    ? [...spec.containers, ...(spec.initContainers ?? [])].find(
        ({ name }) => name === reference.containerName,
      )
    : container;
  const value = target && resourceFieldValue(reference.resource, reference.divisor, target, context);
  if (value === undefined)
    throw new ContainerConfigError(`unsupported container resource : ${reference.resource}`);
  return value;
}

async function keyValue(
  from: NonNullable<EnvVar["valueFrom"]>,
  pod: Pod,
  source: ConfigSource,
): Promise<string | undefined> {
  const namespace = pod.metadata.namespace ?? "";
  const reference = from.configMapKeyRef ?? from.secretKeyRef;
  if (!reference) return "";
  const kind = from.configMapKeyRef ? "ConfigMap" : "Secret";
  const object = from.configMapKeyRef
    ? await source.configMap(namespace, reference.name)
    : await source.secret(namespace, reference.name);
  if (!object) {
    if (reference.optional) return undefined;
    throw new ContainerConfigError(`${kind.toLowerCase()} "${reference.name}" not found`);
  }
  const value = kind === "Secret" ? decoded(object as Secret)[reference.key] : object.data?.[reference.key];
  if (value === undefined && !reference.optional)
    throw new ContainerConfigError(
      `couldn't find key ${reference.key} in ${kind} ${namespace}/${reference.name}`,
    );
  return value;
}

const decoded = (secret: Secret | undefined): Record<string, string> =>
  Object.fromEntries(
    Object.entries(secret?.data ?? {}).map(([key, value]) => [
      key,
      Buffer.from(value, "base64").toString("utf8"),
    ]),
  );
