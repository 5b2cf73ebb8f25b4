import type { GroupVersionKind } from "../../machinery/api/resource.js";
import type { ListType, PatchStrategy } from "../../machinery/api/schema/schema.js";

/**
 * The official model set of the built-in kinds, as derived from published packages. Types are written as in OpenAPI v2,
 * with references by bare definition name; descriptions lie in a file of their own, which only documents need.
 */
export interface Model {
  definitions: Record<string, Definition>;
}

export interface Definition {
  type?: "object" | "string";
  format?: string;
  properties?: Record<string, PropertyType>;
  required?: string[];
  gvk?: GroupVersionKind;
  mapType?: "atomic";
}

export interface PropertyType {
  ref?: string;
  type?: "string" | "boolean" | "integer" | "number" | "array" | "object";
  format?: string;
  enum?: string[];
  items?: PropertyType;
  additionalProperties?: PropertyType;
  marks?: Marks;
}

/** x-kubernetes-list-type, -list-map-keys, -map-type, -patch-strategy and -patch-merge-key. */
export interface Marks {
  listType?: ListType;
  mapKeys?: readonly string[];
  mapType?: "granular" | "atomic";
  patch?: readonly PatchStrategy[];
  mergeKey?: string;
}

/** Of a definition under "", of its properties by name. */
export type Descriptions = Record<string, Record<string, string>>;

export const META = "io.k8s.apimachinery.pkg.apis.meta.v1.";
export const shortName = (definition: string): string => definition.slice(definition.lastIndexOf(".") + 1);

/** Definition of each kind, by `group/version/kind`. */
export const definitionNames = (model: Model): ReadonlyMap<string, string> =>
  new Map(
    Object.entries(model.definitions).flatMap(([name, { gvk }]): [string, string][] =>
      gvk ? [[keyOfKind(gvk), name]] : [],
    ),
  );
export const keyOfKind = ({ group, version, kind }: GroupVersionKind): string =>
  `${group}/${version}/${kind}`;
