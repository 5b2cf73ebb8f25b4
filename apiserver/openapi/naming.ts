import type { DiscoveredResource, ServedVersion } from "../discovery/groups.js";

/** `readCoreV1NamespacedPod` and its tag, `core_v1`. */
export class Naming {
  readonly tag: string;
  readonly scope: string;
  readonly kind: string;
  readonly #groupVersion: string;

  constructor(served: ServedVersion, resource?: DiscoveredResource) {
    const group = groupIdentifier(served.group);
    this.tag = `${group[0]?.toLowerCase()}${group.slice(1)}_${served.version}`;
    this.#groupVersion = `${group}${capitalized(served.version)}`;
    this.scope = resource?.namespaced ? "Namespaced" : "";
    this.kind = resource?.gvk.kind ?? "";
  }

  id(verb: string, rest: string): string {
    return `${verb}${this.#groupVersion}${rest}`;
  }

  object(verb: string, suffix = ""): string {
    return this.id(verb, `${this.scope}${this.kind}${suffix}`);
  }
}

export const capitalized = (text: string): string => `${text[0]?.toUpperCase() ?? ""}${text.slice(1)}`;

/** `rbac.authorization.k8s.io` → `RbacAuthorization`. */
const groupIdentifier = (group: string): string =>
  group === ""
    ? "Core"
    : group
        .replace(/\.k8s\.io$/, "")
        .split(".")
        .map(capitalized)
        .join("");

/** Plural kinds (Endpoints) take no article. */
export function withArticle(kind: string): string {
  if (/[^s]s$/.test(kind)) return kind;
  return `${/^[AEIOU]/.test(kind) ? "an" : "a"} ${kind}`;
}
