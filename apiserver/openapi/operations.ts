import type { GroupVersionKind } from "../../machinery/api/resource.js";
import type { DiscoveredResource, DiscoveredSubresource, ServedVersion } from "../discovery/groups.js";
import {
  DELETE_COLLECTION_PARAMETERS,
  DELETE_PARAMETERS,
  LIST_PARAMETERS,
  LOG_PARAMETERS,
  NAMESPACE,
  nameOf,
  OPTIONS_PARAMETERS,
  type Parameter,
  PATCH_PARAMETERS,
  PRETTY,
  REST_OF_PATH,
  WRITE_PARAMETERS,
} from "./parameters.js";

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

const OBJECTS = ["application/json", "application/yaml"];
const LISTS = [...OBJECTS, "application/json;stream=watch"];
const ANYTHING = ["*/*"];
const PATCHES = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
  "application/apply-patch+yaml",
];
const meta = (kind: string): GroupVersionKind => ({ group: "", version: "v1", kind });

/** Every path of a group version. Deprecated watch paths are left out: the watch parameter replaces them. */
export function pathsOf(served: ServedVersion): readonly PathItem[] {
  const root = served.group === "" ? `/api/${served.version}` : `/apis/${served.apiVersion}`;
  const items: PathItem[] = [rootPath(served, root)];
  for (const resource of served.resources) {
    const naming = new Naming(served, resource);
    const scoped = resource.namespaced ? `${root}/namespaces/{namespace}` : root;
    const collection = `${scoped}/${resource.plural}`;
    items.push(
      collectionPath(naming, resource, collection),
      objectPath(naming, resource, `${collection}/{name}`),
      ...resource.subresources.flatMap((subresource) =>
        subresourcePaths(naming, resource, subresource, `${collection}/{name}/${subresource.name}`),
      ),
    );
    if (resource.namespaced) items.push(allNamespacesPath(naming, resource, `${root}/${resource.plural}`));
  }
  return items.filter(({ operations }) => operations.length > 0);
}

/** `readCoreV1NamespacedPod` and its tag, `core_v1`. */
class Naming {
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

const capitalized = (text: string): string => `${text[0]?.toUpperCase() ?? ""}${text.slice(1)}`;

/** `rbac.authorization.k8s.io` → `RbacAuthorization`. */
const groupIdentifier = (group: string): string =>
  group === ""
    ? "Core"
    : group
        .replace(/\.k8s\.io$/, "")
        .split(".")
        .map(capitalized)
        .join("");

function rootPath(served: ServedVersion, root: string): PathItem {
  const naming = new Naming(served);
  return {
    path: `${root}/`,
    parameters: [],
    operations: [
      {
        method: "get",
        id: naming.id("get", "APIResources"),
        description: "get available resources",
        tag: naming.tag,
        parameters: [],
        answers: [[200, meta("APIResourceList")]],
        produces: ["application/json"],
      },
    ],
  };
}

const scopeParameters = ({ namespaced }: DiscoveredResource): Parameter[] => (namespaced ? [NAMESPACE] : []);

function collectionPath(naming: Naming, resource: DiscoveredResource, path: string): PathItem {
  const { verbs, gvk } = resource;
  const operations: Operation[] = [];
  if (verbs.includes("deletecollection"))
    operations.push({
      method: "delete",
      id: naming.id("delete", `Collection${naming.scope}${gvk.kind}`),
      description: `delete collection of ${gvk.kind}`,
      action: "deletecollection",
      gvk,
      tag: naming.tag,
      parameters: DELETE_COLLECTION_PARAMETERS,
      body: { kind: meta("DeleteOptions"), required: false, consumes: ANYTHING },
      answers: [[200, meta("Status")]],
      produces: OBJECTS,
    });
  if (verbs.includes("list"))
    operations.push(listOperation(naming, resource, naming.object("list"), LIST_PARAMETERS));
  if (verbs.includes("create")) operations.push(createOperation(naming, gvk));
  return { path, parameters: [...scopeParameters(resource), PRETTY], operations };
}

const createOperation = (naming: Naming, gvk: GroupVersionKind): Operation => ({
  method: "post",
  id: naming.object("create"),
  description: `create ${article(gvk.kind)} ${gvk.kind}`,
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

const article = (kind: string): string => (/^[AEIOU]/.test(kind) ? "an" : "a");

const listOperation = (
  naming: Naming,
  { gvk }: DiscoveredResource,
  id: string,
  parameters: readonly Parameter[],
): Operation => ({
  method: "get",
  id,
  description: `list or watch objects of kind ${gvk.kind}`,
  action: "list",
  gvk,
  tag: naming.tag,
  parameters,
  answers: [[200, { ...gvk, kind: `${gvk.kind}List` }]],
  produces: LISTS,
});

function allNamespacesPath(naming: Naming, resource: DiscoveredResource, path: string): PathItem {
  const id = naming.id("list", `${resource.gvk.kind}ForAllNamespaces`);
  return {
    path,
    parameters: [...LIST_PARAMETERS, PRETTY],
    operations: resource.verbs.includes("list") ? [listOperation(naming, resource, id, [])] : [],
  };
}

function objectPath(naming: Naming, resource: DiscoveredResource, path: string): PathItem {
  const { verbs, gvk } = resource;
  const operations = objectOperations(naming, verbs, gvk, "", `the specified ${gvk.kind}`);
  if (verbs.includes("delete"))
    operations.unshift({
      method: "delete",
      id: naming.object("delete"),
      description: `delete ${article(gvk.kind)} ${gvk.kind}`,
      action: "delete",
      gvk,
      tag: naming.tag,
      parameters: DELETE_PARAMETERS,
      body: { kind: meta("DeleteOptions"), required: false, consumes: ANYTHING },
      answers: [
        [200, deletionAnswer(gvk)],
        [202, deletionAnswer(gvk)],
      ],
      produces: OBJECTS,
    });
  return { path, parameters: [nameOf(gvk.kind), ...scopeParameters(resource), PRETTY], operations };
}

/** Kinds that a deletion answers whole; the others answer a Status. */
const RETURNED_ON_DELETE = new Set([
  "Pod",
  "PersistentVolume",
  "PersistentVolumeClaim",
  "PodTemplate",
  "ResourceQuota",
  "Service",
  "ServiceAccount",
]);
const deletionAnswer = (gvk: GroupVersionKind): GroupVersionKind =>
  gvk.group === "" && RETURNED_ON_DELETE.has(gvk.kind) ? gvk : meta("Status");

/** Read, replace and patch an object or a view of it. */
function objectOperations(
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

function subresourcePaths(
  naming: Naming,
  resource: DiscoveredResource,
  subresource: DiscoveredSubresource,
  path: string,
): PathItem[] {
  const { name, gvk, verbs } = subresource;
  const suffix = capitalized(name);
  const own = [nameOf(gvk.kind), ...scopeParameters(resource)];
  if (gvk.kind.endsWith("Options")) return connectPaths(naming, subresource, path, own);
  if (name === "log") return [logPath(naming, subresource, path, own)];
  const operations = objectOperations(naming, verbs, gvk, suffix, `${name} of the specified ${naming.kind}`);
  if (verbs.includes("create"))
    operations.push({
      ...createOperation(naming, gvk),
      id: naming.object("create", suffix),
      description: `create ${name} of ${article(naming.kind)} ${naming.kind}`,
      parameters: [],
    });
  const shared = verbs.includes("create") ? WRITE_PARAMETERS : [];
  return [{ path, parameters: [...shared, ...own, PRETTY], operations }];
}

function logPath(naming: Naming, { gvk }: DiscoveredSubresource, path: string, own: Parameter[]): PathItem {
  const operation: Operation = {
    method: "get",
    id: naming.object("read", "Log"),
    description: `read log of the specified ${naming.kind}`,
    action: "get",
    gvk,
    tag: naming.tag,
    parameters: [],
    answers: [[200, undefined]],
    produces: ["text/plain", ...OBJECTS],
  };
  return { path, parameters: [...own, ...LOG_PARAMETERS], operations: [operation] };
}

const PROXY_METHODS = ["delete", "get", "head", "options", "patch", "post", "put"] as const;

/** Subresources that hand the connection over: exec, attach, portforward, proxy. */
function connectPaths(
  naming: Naming,
  { name, gvk }: DiscoveredSubresource,
  path: string,
  own: readonly Parameter[],
): PathItem[] {
  const proxy = name === "proxy";
  const methods = proxy ? PROXY_METHODS : (["get", "post"] as const);
  const item = (suffix: string, at: string, parameters: readonly Parameter[]): PathItem => ({
    path: at,
    parameters,
    operations: methods.map((method) => ({
      method,
      id: naming.id("connect", `${capitalized(method)}${naming.scope}${naming.kind}${suffix}`),
      description: `connect ${method.toUpperCase()} requests to ${name} of ${naming.kind}`,
      action: "connect",
      gvk,
      tag: naming.tag,
      parameters: [],
      answers: [[200, undefined]] as const,
      produces: ANYTHING,
    })),
  });
  const options = OPTIONS_PARAMETERS[gvk.kind] ?? [];
  const plain = item(capitalized(name), path, [...own, ...options]);
  if (!proxy) return [plain];
  return [plain, item("ProxyWithPath", `${path}/{path}`, [...own, REST_OF_PATH, ...options])];
}
