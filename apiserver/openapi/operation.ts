import type { GroupVersionKind } from "../../machinery/api/resource.js";
import type { Naming } from "./naming.js";
import { withArticle } from "./naming.js";
import { type Parameter, PATCH_PARAMETERS, WRITE_PARAMETERS } from "./parameters.js";

/** One operation in the terms that OpenAPI v2 and v3 share. Kinds stand for their definitions. */
export interface Operation {
  method: "get" | "put" | "post" | "delete" | "patch" | "head" | "options";
  id: string;
  description: string;
  /** `x-kubernetes-action`. */
  action?: string;
  gvk?: GroupVersionKind;
  tag: string;
  parameters: readonly Parameter[];
  /** Kind of the body; `Patch` is any of the patch forms. */
  body?: { kind: GroupVersionKind; required: boolean; consumes: readonly string[] };
  /** Status codes of success with the kind they answer; undefined answers text. */
  answers: readonly (readonly [code: 200 | 201 | 202, kind: GroupVersionKind | undefined])[];
  produces: readonly string[];
}

export interface PathItem {
  path: string;
  parameters: readonly Parameter[];
  operations: readonly Operation[];
}

export const OBJECTS = ["application/json", "application/yaml"];
export const LISTS = [...OBJECTS, "application/json;stream=watch"];
export const ANYTHING = ["*/*"];
export const PATCHES = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
  "application/apply-patch+yaml",
];
export const meta = (kind: string): GroupVersionKind => ({ group: "", version: "v1", kind });

export const createOperation = (naming: Naming, gvk: GroupVersionKind): Operation => ({
  method: "post",
  id: naming.object("create"),
  description: `create ${withArticle(gvk.kind)}`,
  action: "post",
  gvk,
  tag: naming.tag,
  parameters: WRITE_PARAMETERS,
  body: { kind: gvk, required: true, consumes: ANYTHING },
  answers: [
    [200, gvk],
    [201, gvk],
    [202, gvk],
  ],
  produces: OBJECTS,
});

/** Read, replace and patch an object or a view of it. */
export function objectOperations(
  naming: Naming,
  verbs: readonly string[],
  gvk: GroupVersionKind,
  suffix: string,
  what: string,
): Operation[] {
  const common = { gvk, tag: naming.tag, produces: OBJECTS };
  const operations: Operation[] = [];
  if (verbs.includes("get"))
    operations.push({
      ...common,
      method: "get",
      id: naming.object("read", suffix),
      description: `read ${what}`,
      action: "get",
      parameters: [],
      answers: [[200, gvk]],
    });
  const answers = [
    [200, gvk],
    [201, gvk],
  ] as const;
  if (verbs.includes("patch"))
    operations.push({
      ...common,
      method: "patch",
      id: naming.object("patch", suffix),
      description: `partially update ${what}`,
      action: "patch",
      parameters: PATCH_PARAMETERS,
      body: { kind: meta("Patch"), required: true, consumes: PATCHES },
      answers,
    });
  if (verbs.includes("update"))
    operations.push({
      ...common,
      method: "put",
      id: naming.object("replace", suffix),
      description: `replace ${what}`,
      action: "put",
      parameters: WRITE_PARAMETERS,
      body: { kind: gvk, required: true, consumes: ANYTHING },
      answers,
    });
  return operations;
}
