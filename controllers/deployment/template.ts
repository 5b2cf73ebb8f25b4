import type { PodTemplateSpec } from "../../machinery/api/core-v1.js";
import { deepEqual } from "../../machinery/api/deep-equal.js";
import type { DeepReadonly } from "../../machinery/api/meta-v1.js";

export const HASH_LABEL = "pod-template-hash";
type Template = DeepReadonly<PodTemplateSpec>;

/** Equal but for the hash label that the controller adds (upstream EqualIgnoreHash). */
export const sameTemplate = (left: Template, right: Template): boolean =>
  deepEqual(withoutHash(left), withoutHash(right));

function withoutHash({ metadata, spec }: Template): unknown {
  const { labels = {}, annotations = {}, finalizers = [], ownerReferences = [] } = metadata;
  const { [HASH_LABEL]: _hash, ...own } = labels;
  return { metadata: { labels: own, annotations, finalizers, ownerReferences }, spec };
}

/** Ten-digit FNV-1a hash in the alphabet of name suffixes. A collision count gives another hash for the same template. */
export function templateHash(template: Template, collisionCount: number | undefined): string {
  let hash = 0x811c9dc5;
  const text = canonical(template) + (collisionCount ? String(collisionCount) : "");
  for (const byte of Buffer.from(text, "utf8")) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return safeEncode(String(hash));
}

/** JSON with sorted keys, so that the order in which a template was written does not matter. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const fields = Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`);
  return `{${fields.join(",")}}`;
}

const SAFE_ALPHABET = "bcdfghjklmnpqrstvwxz2456789";

/** No vowels and no look-alikes, so that no bad word comes out (apimachinery rand.SafeEncodeString). */
const safeEncode = (text: string): string =>
  Array.from(text, (char) => SAFE_ALPHABET[char.charCodeAt(0) % SAFE_ALPHABET.length]).join("");
