import { TransportError } from "../../machinery/api/http.js";
import type { Clock } from "../../machinery/api/clock.js";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import { qualified, type ResourceDescriptor } from "../../machinery/api/resource.js";
import { isConflict, isNotFound, StatusError } from "../../machinery/api/status.js";
import type { RestClient, WriteOptions } from "../../machinery/client/rest-client.js";
import type { ManifestDocument } from "../manifests.js";

export const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

export interface ApplyResult {
  /** `deployment.apps/web`. */
  name: string;
  outcome: "created" | "configured" | "unchanged";
  object: KubeObject;
}

export interface ApplyOptions {
  client: RestClient;
  namespace: string;
  dryRun?: boolean;
  fieldValidation?: WriteOptions["fieldValidation"];
}

const FIELD_MANAGER = "kubectl-client-side-apply";
const CONFLICT_RETRIES = 5;

/** `kubectl apply` of one document: creates it, or sends the three-way strategic merge patch. Rejects with StatusError. */
export async function applyObject(
  { client, namespace, dryRun, fieldValidation }: ApplyOptions,
  descriptor: ResourceDescriptor,
  object: KubeObject,
): Promise<ApplyResult> {
  const wanted = withLastApplied(inNamespace(object, descriptor, namespace));
  const { metadata } = wanted;
  const at = { ...(metadata.namespace ? { namespace: metadata.namespace } : {}), name: metadata.name };
  const name = `${qualified({ group: descriptor.group, resource: descriptor.singular })}/${at.name}`;
  const options: WriteOptions = {
    fieldManager: FIELD_MANAGER,
    ...(dryRun ? { dryRun } : {}),
    ...(fieldValidation ? { fieldValidation } : {}),
  };
  for (let attempt = 1; ; attempt++) {
    try {
      const current = await getOrUndefined(client, descriptor, at);
      if (!current)
        return { name, outcome: "created", object: await client.create(descriptor, wanted, options) };
      const patch = await patchFor(wanted, current, descriptor);
      if (Object.keys(patch).length === 0) return { name, outcome: "unchanged", object: current };
      const changed = await client.patch(descriptor, at, { type: "strategic", body: patch }, options);
      const same = changed.metadata.resourceVersion === current.metadata.resourceVersion;
      return { name, outcome: same && !dryRun ? "unchanged" : "configured", object: changed };
    } catch (err) {
      if (!isConflict(err) || attempt === CONFLICT_RETRIES) throw err;
    }
  }
}

async function getOrUndefined(
  client: RestClient,
  descriptor: ResourceDescriptor,
  at: { namespace?: string; name: string },
): Promise<KubeObject | undefined> {
  try {
    return await client.get(descriptor, at);
  } catch (err) {
    if (isNotFound(err)) return undefined;
    throw err;
  }
}

async function patchFor(
  wanted: KubeObject,
  current: KubeObject,
  descriptor: ResourceDescriptor,
): Promise<object> {
  const [{ threeWayMergePatch }, { BuiltinSchemas }] = await Promise.all([
    import("../../machinery/api/patch/three-way.js"),
    import("../../apiserver/openapi/builtin-schemas.js"),
  ]);
  const lastApplied = current.metadata.annotations?.[LAST_APPLIED];
  const original: unknown = lastApplied ? JSON.parse(lastApplied) : undefined;
  return threeWayMergePatch(original, wanted, current, new BuiltinSchemas().schemaOf(descriptor));
}

/** The object in the namespace it will be sent to; cluster-scoped ones have none. */
export function inNamespace(
  object: KubeObject,
  descriptor: ResourceDescriptor,
  namespace: string,
): KubeObject {
  if (!descriptor.namespaced) return object;
  return { ...object, metadata: { ...object.metadata, namespace: object.metadata?.namespace ?? namespace } };
}

/** Remembers what was applied, without the memory itself (kubectl util.GetModifiedConfiguration). */
export function withLastApplied(object: KubeObject): KubeObject {
  const { [LAST_APPLIED]: _, ...annotations } = object.metadata.annotations ?? {};
  const plain = { ...object, metadata: { ...object.metadata, annotations } };
  const remembered = `${goJson(sortKeys(plain))}\n`;
  return {
    ...plain,
    metadata: { ...plain.metadata, annotations: { ...annotations, [LAST_APPLIED]: remembered } },
  };
}

/** As Go prints JSON: kubectl finds the text that it would have written itself, and calls the object unchanged. */
const goJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

const sortKeys = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sortKeys(inner)]),
  );
};

const START_ATTEMPTS = 200;
const START_POLL_MS = 20;

/** Applies while a cluster is starting: waits for its address to answer and for namespaces to be filled. */
export async function applyWhileStarting(
  options: ApplyOptions,
  resolve: (object: KubeObject) => ResourceDescriptor,
  documents: readonly ManifestDocument[],
  clock: Clock,
  signal: AbortSignal,
): Promise<ApplyResult[]> {
  const results: ApplyResult[] = [];
  for (const { object } of documents) {
    const descriptor = resolve(object);
    for (let attempt = 1; ; attempt++) {
      try {
        results.push(await applyObject(options, descriptor, object));
        break;
      } catch (err) {
        const startingUp = isNotFound(err) || err instanceof TransportError || isMissingServiceAccount(err);
        if (!startingUp || attempt === START_ATTEMPTS) throw err;
        await clock.sleep(START_POLL_MS, signal);
      }
    }
  }
  return results;
}

/** A bare Pod is refused until the `default` ServiceAccount of its namespace exists. */
const isMissingServiceAccount = (err: unknown): boolean =>
  err instanceof StatusError && err.status.reason === "Forbidden" && err.message.includes("serviceaccount");
