import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { loadAll } from "js-yaml";
import type { KubeObject } from "../machinery/api/meta-v1.js";
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

/** Empty ones have lost what belongs in them. */
const BLOCKS = ["metadata", "spec"] as const;

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
      const emptied = BLOCKS.find((block) => (object as unknown as Record<string, unknown>)[block] === null);
      if (emptied)
        throw new UserError(explainYamlError(new Error(`"${emptied}" is empty`), text, source, object));
      return [{ object, source }];
    });
}
