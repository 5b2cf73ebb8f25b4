import type { HttpResponse, UpgradeRequest } from "../../machinery/api/http.js";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import { StatusError } from "../../machinery/api/status.js";
import type { Subresource } from "../registry/serve.js";
import type { ResourceCall } from "./call.js";
import { handleAction } from "./connect.js";
import { handleCreate } from "./create.js";
import { handleDeleteCollection } from "./delete-collection.js";
import { handleDelete } from "./delete.js";
import { handleGet } from "./get.js";
import { handleList } from "./list.js";
import { handlePatch } from "./patch.js";
import { handleProjection } from "./projection.js";
import { handleUpdate } from "./update.js";
import { handleWatch } from "./watch.js";

type Answer = HttpResponse | undefined | Promise<HttpResponse | undefined>;

const VERBS: readonly string[] = [
  "create",
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "update",
  "watch",
];

/** Chooses the handler of a verb. Undefined only when `upgrade` was accepted. */
export function dispatch<T extends KubeObject>(call: ResourceCall<T>, upgrade?: UpgradeRequest): Answer {
  checkScope(call);
  if (call.resource.deprecation) call.warnings.push(call.resource.deprecation);
  if (call.info.subresource !== "") return dispatchSubresource(call, upgrade);
  const { verb } = call.info;
  if (!(call.resource.verbs ?? VERBS).includes(verb)) throw newMethodNotAllowed();
  switch (verb) {
    case "get":
      return handleGet(call);
    case "list":
      return handleList(call);
    case "watch":
      return handleWatch(call);
    case "create":
      if (call.info.name !== "") throw newMethodNotAllowed();
      return handleCreate(call);
    case "update":
      return handleUpdate(named(call));
    case "patch":
      return handlePatch(named(call));
    case "delete":
      return handleDelete(call);
    case "deletecollection":
      return handleDeleteCollection(call);
    default:
      throw newMethodNotAllowed();
  }
}

/** Only lists and watches cross namespaces; cluster-scoped kinds live in none. */
function checkScope({ info, resource }: ResourceCall): void {
  const isNamespace = resource.descriptor.plural === "namespaces" && resource.descriptor.group === "";
  const inNamespace = info.namespace !== "" && !isNamespace;
  if (resource.descriptor.namespaced) {
    if (inNamespace || info.verb === "list" || info.verb === "watch") return;
    throw info.name === "" ? newMethodNotAllowed() : newUnknownPath();
  }
  if (inNamespace) throw newUnknownPath();
}

function named<T extends KubeObject>(call: ResourceCall<T>): ResourceCall<T> {
  if (call.info.name === "") throw newMethodNotAllowed();
  return call;
}

function dispatchSubresource<T extends KubeObject>(call: ResourceCall<T>, upgrade?: UpgradeRequest): Answer {
  const { info, resource } = call;
  const subresources = resource.subresources ?? {};
  const subresource = Object.hasOwn(subresources, info.subresource)
    ? subresources[info.subresource]
    : undefined;
  if (!subresource || (info.rest !== "" && subresource.kind !== "action")) throw newUnknownPath();
  if (!subresource.verbs.includes(info.verb)) throw newMethodNotAllowed();
  switch (subresource.kind) {
    case "view":
      return handleView(call, subresource);
    case "projection":
      return handleProjection(call, subresource);
    case "action":
      return handleAction(call, subresource, upgrade);
  }
}

/** The object itself, through a strategy that lets only a part of it change: status. */
function handleView<T extends KubeObject>(
  call: ResourceCall<T>,
  { strategy }: Extract<Subresource<T>, { kind: "view" }>,
): Answer {
  const view = { subresource: call.info.subresource, strategy };
  switch (call.info.verb) {
    case "get":
      return handleGet(call);
    case "update":
      return handleUpdate(call, view);
    case "patch":
      return handlePatch(call, view);
    default:
      throw newMethodNotAllowed();
  }
}

/** 405 as go-restful's error handler words it. */
export const newMethodNotAllowed = (): StatusError =>
  new StatusError({
    code: 405,
    reason: "MethodNotAllowed",
    message: "the server does not allow this method on the requested resource",
    details: {},
  });

/** 404 for a path below a group and version that is served. */
export const newUnknownPath = (): StatusError =>
  new StatusError({
    code: 404,
    reason: "NotFound",
    message: "the server could not find the requested resource",
    details: {},
  });
