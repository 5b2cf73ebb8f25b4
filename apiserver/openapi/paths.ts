import type { GroupVersionKind } from "../../machinery/api/resource.js";
import type { DiscoveredResource, ServedVersion } from "../discovery/groups.js";
import { Naming, withArticle } from "./naming.js";
import {
  ANYTHING,
  createOperation,
  LISTS,
  meta,
  OBJECTS,
  objectOperations,
  type Operation,
  type PathItem,
} from "./operation.js";
import {
  DELETE_COLLECTION_PARAMETERS,
  DELETE_PARAMETERS,
  LIST_PARAMETERS,
  nameOf,
  PRETTY,
  scopeParameters,
} from "./parameters.js";
import { subresourcePaths } from "./subresource-paths.js";

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
  return items.filter(({ operations }) => operations.length > 0).map(shareParameters);
}

/** Parameters of a path's only operation stand with the path. */
function shareParameters(item: PathItem): PathItem {
  const [only, another] = item.operations;
  if (!only || another) return item;
  return {
    ...item,
    parameters: [...only.parameters, ...item.parameters],
    operations: [{ ...only, parameters: [] }],
  };
}
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
  if (verbs.includes("list")) operations.push(listOperation(naming, resource, naming.object("list")));
  if (verbs.includes("create")) operations.push(createOperation(naming, gvk));
  return { path, parameters: [...scopeParameters(resource), PRETTY], operations };
}

const listOperation = (naming: Naming, { gvk }: DiscoveredResource, id: string): Operation => ({
  method: "get",
  id,
  description: `list or watch objects of kind ${gvk.kind}`,
  action: "list",
  gvk,
  tag: naming.tag,
  parameters: LIST_PARAMETERS,
  answers: [[200, { ...gvk, kind: `${gvk.kind}List` }]],
  produces: LISTS,
});

function allNamespacesPath(naming: Naming, resource: DiscoveredResource, path: string): PathItem {
  const id = naming.id("list", `${resource.gvk.kind}ForAllNamespaces`);
  return {
    path,
    parameters: [PRETTY],
    operations: resource.verbs.includes("list") ? [listOperation(naming, resource, id)] : [],
  };
}

function objectPath(naming: Naming, resource: DiscoveredResource, path: string): PathItem {
  const { verbs, gvk } = resource;
  const operations = objectOperations(naming, verbs, gvk, "", `the specified ${gvk.kind}`);
  if (verbs.includes("delete"))
    operations.unshift({
      method: "delete",
      id: naming.object("delete"),
      description: `delete ${withArticle(gvk.kind)}`,
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
