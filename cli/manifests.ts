import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { loadAll } from "js-yaml";
import type { Clock } from "../machinery/api/clock.js";
import type { KubeObject } from "../machinery/api/meta-v1.js";
import { isAlreadyExists, isNotFound } from "../machinery/api/status.js";
import { TransportError } from "../machinery/api/http.js";
import type { RestClient } from "../machinery/client/rest-client.js";
import { resourceFor } from "./resource-for.js";
import { UserError } from "./supervisor/cluster.js";
import { explainYamlError } from "./yaml-error.js";

export interface ManifestDocument {
  object: KubeObject;
  /** File it came from, for messages. */
  source: string;
}

/** Every document of files and folders (`.yaml`, `.yml`, `.json`, in name order). Throws UserError. */
export function readManifests(paths: readonly string[], recursive = false): ManifestDocument[] {
  return paths
    .flatMap((path) => filesBelow(path, recursive))
    .flatMap((file) => parseManifest(readFileSync(file, "utf8"), file));
}

function filesBelow(path: string, recursive: boolean): string[] {
  let isFolder: boolean;
  try {
    isFolder = statSync(path).isDirectory();
  } catch {
    throw new UserError(`the path "${path}" does not exist`);
  }
  if (!isFolder) return [path];
  return readdirSync(path, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      if (entry.isDirectory()) return recursive ? filesBelow(join(path, entry.name), true) : [];
      return /\.(ya?ml|json)$/.test(entry.name) ? [join(path, entry.name)] : [];
    });
}

/** The documents of one text; a List is taken apart. Throws UserError with file, line and likely cause. */
export function parseManifest(text: string, source: string): ManifestDocument[] {
  let documents: unknown[];
  try {
    documents = loadAll(text);
  } catch (err) {
    throw new UserError(explainYamlError(err, text, source));
  }
  return documents
    .filter((document) => document !== null && document !== undefined)
    .flatMap((document) => {
      const object = document as KubeObject & { items?: KubeObject[] };
      if (typeof object !== "object" || Array.isArray(object)) {
        throw new UserError(explainYamlError(undefined, text, source));
      }
      if (typeof object.kind === "string" && object.kind.endsWith("List") && Array.isArray(object.items)) {
        return object.items.map((item) => ({ object: item, source }));
      }
      if (!object.apiVersion || !object.kind)
        throw new UserError(explainYamlError(undefined, text, source, object));
      return [{ object, source }];
    });
}

export interface ApplyResult {
  /** `deployment.apps/web`. */
  name: string;
  outcome: "created" | "configured" | "unchanged";
}

const START_ATTEMPTS = 100;

/** Creates what is missing and merges what is there. Waits for a namespace's ServiceAccount while a cluster starts. */
export async function applyManifests(
  client: RestClient,
  documents: readonly ManifestDocument[],
  clock: Clock,
  signal: AbortSignal,
): Promise<ApplyResult[]> {
  const results: ApplyResult[] = [];
  for (const { object, source } of documents) {
    const descriptor = resourceFor(object);
    if (!descriptor) {
      throw new UserError(
        `resource mapping not found for name: "${object.metadata?.name ?? ""}" namespace: "${object.metadata?.namespace ?? ""}" from "${source}": no matches for kind "${object.kind}" in version "${object.apiVersion}"`,
      );
    }
    const namespace = descriptor.namespaced ? (object.metadata.namespace ?? "default") : undefined;
    const at = { ...(namespace ? { namespace } : {}), name: object.metadata.name };
    const name = `${descriptor.singular}${descriptor.group ? `.${descriptor.group}` : ""}/${at.name}`;
    for (let attempt = 1; ; attempt++) {
      try {
        await client.create(descriptor, {
          ...object,
          metadata: { ...object.metadata, ...(namespace ? { namespace } : {}) },
        });
        results.push({ name, outcome: "created" });
        break;
      } catch (err) {
        if (isAlreadyExists(err)) {
          const before = await client.get(descriptor, at);
          const after = await client.patch(descriptor, at, { type: "merge", body: object });
          const same = before.metadata.resourceVersion === after.metadata.resourceVersion;
          results.push({ name, outcome: same ? "unchanged" : "configured" });
          break;
        }
        const startingUp = isNotFound(err) || err instanceof TransportError;
        if (!startingUp || attempt === START_ATTEMPTS) throw err;
        await clock.sleep(20, signal);
      }
    }
  }
  return results;
}
