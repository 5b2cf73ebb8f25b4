import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { type Declaration, readDeclaration, readType } from "./declarations.js";
import { type NumberForm, readFormats } from "./formats.js";
import { isAtomic, marksOf } from "./marks.js";
import { parseGroupVersion } from "../../machinery/api/resource.js";
import { type Definition, type Descriptions, META, type Model, type PropertyType } from "./model.js";

/** Folders of the two packages that publish the models. Read as files; nothing of them is loaded as code. */
export interface Packages {
  kubernetesModels: string;
  apimachinery: string;
}

export interface Derived {
  model: Model;
  descriptions: Descriptions;
}

interface Source {
  definition: string;
  declaration: Declaration;
  formats: ReadonlyMap<string, NumberForm>;
}

/** Released API versions; older ones that the package still carries are left out. */
const VERSION = /^v[12]$/;
const PREFIX: Record<string, string> = {
  "apiextensions.k8s.io": "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions",
  "apiregistration.k8s.io": "io.k8s.kube-aggregator.pkg.apis.apiregistration",
};

/** Models that are not plain objects. */
const SPECIAL: Record<string, Definition> = {
  "io.k8s.apimachinery.pkg.api.resource.Quantity": { type: "string" },
  "io.k8s.apimachinery.pkg.util.intstr.IntOrString": { type: "string", format: "int-or-string" },
  [`${META}Time`]: { type: "string", format: "date-time" },
  [`${META}MicroTime`]: { type: "string", format: "date-time" },
};
/** Elements that the package writes out in place of the reference, to make some of their fields optional. */
const INLINED: Record<string, string> = {
  "io.k8s.api.apps.v1.StatefulSetSpec.volumeClaimTemplates": "io.k8s.api.core.v1.PersistentVolumeClaim",
};
const UNTYPED = /\.apiextensions\.v1\.JSON(SchemaPropsOr\w+)?$/;

/** Kinds of the API machinery: every group answers with them, none declares them. */
const META_KINDS = ["APIGroup", "APIGroupList", "APIResourceList", "APIVersions", "Status"];

const API_VERSION_TEXT =
  "APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources";
const KIND_TEXT =
  "Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds";

export function deriveModel(packages: Packages): Derived {
  const sources = [
    ...readSources(packages.apimachinery, apimachineryName),
    ...readSources(packages.kubernetesModels, kubernetesName),
  ];
  const names = new Map(sources.map(({ declaration, definition }) => [declaration.exportedAs, definition]));
  const derived: Derived = { model: { definitions: {} }, descriptions: {} };
  for (const source of sources.toSorted((a, b) => (a.definition < b.definition ? -1 : 1))) {
    const own = new Map(names).set(source.declaration.localName, source.definition);
    derived.model.definitions[source.definition] = toDefinition(source, own);
    derived.descriptions[source.definition] = toDescriptions(source);
  }
  return derived;
}

function readSources(root: string, nameOf: (path: readonly string[]) => string | undefined): Source[] {
  const sources: Source[] = [];
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!entry.name.endsWith(".d.ts")) continue;
    const path = join(entry.parentPath, entry.name);
    const definition = nameOf(
      relative(root, path)
        .replace(/\.d\.ts$/, "")
        .split(sep),
    );
    if (definition === undefined) continue;
    const declaration = readDeclaration(readFileSync(path, "utf8"));
    if (!declaration) continue;
    const validator = join(root, "_schemas", `${declaration.exportedAs.slice(1)}.js`);
    sources.push({ definition, declaration, formats: readFormats(readFileSync(validator, "utf8")) });
  }
  return sources;
}

/** `apps/v1/Deployment` → `io.k8s.api.apps.v1.Deployment`. */
function kubernetesName(path: readonly string[]): string | undefined {
  const [kind, version, group = ""] = path.toReversed();
  if (!version || !VERSION.test(version) || !kind || kind === "index") return undefined;
  const prefix = PREFIX[group] ?? `io.k8s.api.${group === "" ? "core" : group.split(".")[0]}`;
  return `${prefix}.${version}.${kind}`;
}

function apimachineryName(path: readonly string[]): string | undefined {
  if (path[0] === "_schemas" || path.at(-1) === "index") return undefined;
  return `io.k8s.apimachinery.pkg.${path.join(".")}`;
}

function toDefinition(
  { definition, declaration, formats }: Source,
  names: ReadonlyMap<string, string>,
): Definition {
  const special = SPECIAL[definition];
  if (special) return special;
  if (UNTYPED.test(definition)) return {};
  if (declaration.alias !== undefined) return readType(declaration.alias) as Definition;
  const properties: Record<string, PropertyType> = {};
  const required: string[] = [];
  const constants: Record<string, string> = {};
  for (const [name, { type, optional }] of declaration.properties ?? []) {
    const constant = (name === "apiVersion" || name === "kind") && type.enum?.length === 1;
    if (constant) constants[name] = type.enum?.[0] ?? "";
    if (!optional && !constant) required.push(name);
    const inlined = INLINED[`${definition}.${name}`];
    const finished: PropertyType = constant
      ? { type: "string" }
      : inlined
        ? { type: "array", items: { ref: inlined } }
        : finish(type, names, formats.get(name));
    const marks = marksOf(definition, name, finished.type === "array");
    properties[name] = marks ? { ...finished, marks } : finished;
  }
  return {
    type: "object",
    ...(Object.keys(properties).length > 0 ? { properties } : {}),
    ...(required.length > 0 ? { required: required.toSorted() } : {}),
    ...gvkOf(definition, constants),
    ...(isAtomic(definition) ? { mapType: "atomic" } : {}),
  };
}

function gvkOf(definition: string, constants: Record<string, string>): Pick<Definition, "gvk"> {
  const { apiVersion, kind } = constants;
  if (apiVersion && kind) return { gvk: { ...parseGroupVersion(apiVersion), kind } };
  const meta = META_KINDS.find((name) => definition === META + name);
  return meta ? { gvk: { group: "", version: "v1", kind: meta } } : {};
}

/** References by definition name, numbers with their formats. */
function finish(
  type: PropertyType,
  names: ReadonlyMap<string, string>,
  form: NumberForm | undefined,
): PropertyType {
  if (type.ref !== undefined) {
    const ref = names.get(type.ref);
    if (ref === undefined) throw new Error(`no model is called ${type.ref}`);
    return { ref };
  }
  if (type.items) return { ...type, items: finish(type.items, names, form) };
  if (type.additionalProperties)
    return { ...type, additionalProperties: finish(type.additionalProperties, names, form) };
  const format = form?.format ? { format: form.format } : {};
  if (type.type === "number") return { type: form?.type === "integer" ? "integer" : "number", ...format };
  return type.type === "string" && form?.format === "byte" ? { ...type, ...format } : type;
}

function toDescriptions({ declaration }: Source): Record<string, string> {
  const texts: Record<string, string> = {};
  if (declaration.description) texts[""] = declaration.description;
  for (const [name, { type, description }] of declaration.properties ?? []) {
    const standard =
      type.enum?.length === 1 ? { apiVersion: API_VERSION_TEXT, kind: KIND_TEXT }[name] : undefined;
    const text = description || standard;
    if (text) texts[name] = text;
  }
  return texts;
}
