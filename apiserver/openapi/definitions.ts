import type { GroupVersionKind } from "../../machinery/api/resource.js";
import type { ServedVersion } from "../discovery/groups.js";
import {
  type Definition,
  type Descriptions,
  definitionNames,
  keyOfKind,
  META,
  type Model,
  type PropertyType,
} from "./model.js";
import type { PathItem } from "./operation.js";

/** Meta kinds that carry no kind of their own in the model, or every group's. */
const META_MODELS = new Set([
  "DeleteOptions",
  "Patch",
  "WatchEvent",
  "Status",
  "APIResourceList",
  "APIGroup",
]);
/** They decode in any group, and say so. */
const OF_EVERY_GROUP = new Set([`${META}DeleteOptions`, `${META}WatchEvent`]);

/** Finds definitions and what they say, for documents. */
export class DefinitionIndex {
  readonly #model: Model;
  readonly #descriptions: Descriptions;
  readonly #names: ReadonlyMap<string, string>;

  constructor(model: Model, descriptions: Descriptions) {
    this.#model = model;
    this.#descriptions = descriptions;
    this.#names = definitionNames(model);
  }

  nameOf(gvk: GroupVersionKind): string | undefined {
    return META_MODELS.has(gvk.kind) ? META + gvk.kind : this.#names.get(keyOfKind(gvk));
  }

  get(name: string): Definition {
    return this.#model.definitions[name] ?? {};
  }

  describe(name: string, property = ""): string | undefined {
    return this.#descriptions[name]?.[property];
  }

  /** The kinds that a definition decodes, as x-kubernetes-group-version-kind lists them. */
  kindsOf(name: string, served: readonly ServedVersion[]): readonly GroupVersionKind[] {
    const { gvk } = this.get(name);
    if (!OF_EVERY_GROUP.has(name)) return gvk ? [gvk] : [];
    const kind = name.slice(META.length);
    return served.map(({ group, version }) => ({ group, version, kind }));
  }

  /** Definitions that the paths name, and all that those refer to, by name. */
  reachable(paths: readonly PathItem[], extra: readonly string[] = []): readonly string[] {
    const open = [...extra];
    for (const { operations } of paths)
      for (const { body, answers } of operations)
        for (const kind of [body?.kind, ...answers.map(([, answered]) => answered)]) {
          const name = kind && this.nameOf(kind);
          if (name) open.push(name);
        }
    const found = new Set<string>();
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      if (found.has(name)) continue;
      found.add(name);
      for (const property of Object.values(this.get(name).properties ?? {}))
        open.push(...referencesOf(property));
    }
    return [...found].toSorted();
  }
}

function referencesOf(type: PropertyType): string[] {
  if (type.ref !== undefined) return [type.ref];
  return [type.items, type.additionalProperties].flatMap((inner) => (inner ? referencesOf(inner) : []));
}

/** Marks as both versions of OpenAPI spell them. */
export function extensionsOf({ marks }: PropertyType): object {
  if (!marks) return {};
  return {
    ...(marks.mapKeys ? { "x-kubernetes-list-map-keys": marks.mapKeys } : {}),
    ...(marks.listType ? { "x-kubernetes-list-type": marks.listType } : {}),
    ...(marks.mapType ? { "x-kubernetes-map-type": marks.mapType } : {}),
    ...(marks.mergeKey ? { "x-kubernetes-patch-merge-key": marks.mergeKey } : {}),
    ...(marks.patch ? { "x-kubernetes-patch-strategy": marks.patch.join(",") } : {}),
  };
}

export const described = (description: string | undefined): object =>
  description === undefined ? {} : { description };
