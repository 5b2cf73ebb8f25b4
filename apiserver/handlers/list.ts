import type { HttpResponse } from "../../machinery/api/http.js";
import type { KubeObject, ListMeta } from "../../machinery/api/meta-v1.js";
import { newBadRequest, StatusError } from "../../machinery/api/status.js";
import type { GenericStore } from "../registry/generic-store.js";
import { Compacted, type ListPage, newListExpired, type PageOptions } from "../registry/list-objects.js";
import type { Selection } from "../registry/selection.js";
import type { KeyValue } from "../storage/storage.js";
import { jsonAnswer } from "./answer.js";
import type { ResourceCall } from "./call.js";
import { decodeContinue, encodeContinue } from "./continue-token.js";
import {
  checkResourceVersion,
  type ListParameters,
  listParameters,
  parseResourceVersion,
  selectionOf,
} from "./list-parameters.js";
import { negotiate } from "./media-type.js";
import { includeObjectOf, partialListBytes, tableBytes } from "./table.js";

export function handleList<T extends KubeObject>(call: ResourceCall<T>): HttpResponse {
  const { query, resource, info, store, request } = call;
  const { as } = negotiate(request.headers["accept"]);
  const parameters = listParameters(query, resource, false);
  const selection = selectionOf(parameters, info.namespace, resource.descriptor.namespaced);
  const prefix = store.core.prefix(selection.namespace);
  const page = readPage(store, selection, parameters, prefix);
  const metadata = listMeta(page, prefix);
  if (as === "object") return jsonAnswer(200, listBytes(store, page.items, metadata));
  const objects = page.items.map((item) => store.core.view.object(item));
  if (as !== "table") return jsonAnswer(200, partialListBytes(objects, metadata));
  const table = tableBytes(resource, objects, {
    include: includeObjectOf(query),
    nowMs: call.services.clock.nowMs(),
    withColumns: true,
    metadata: { ...metadata },
  });
  return jsonAnswer(200, table);
}

function readPage<T extends KubeObject>(
  store: GenericStore<T>,
  selection: Selection,
  parameters: ListParameters,
  prefix: string,
): ListPage {
  const limit = parameters.limit > 0 ? { limit: parameters.limit } : {};
  if (parameters.continueToken !== "") {
    if (parameters.resourceVersion !== "" && parameters.resourceVersion !== "0")
      throw newBadRequest("specifying resource version is not allowed when using continue");
    const { after, revision } = decodeContinue(parameters.continueToken, prefix);
    const place = revision === undefined ? { after } : { after, revision };
    return listOr(store, selection, { ...limit, ...place }, () => continueExpired(after, prefix));
  }
  return listOr(store, selection, { ...limit, ...asOf(store, parameters) }, newListExpired);
}

function asOf<T extends KubeObject>(store: GenericStore<T>, parameters: ListParameters): PageOptions {
  const { resourceVersion, resourceVersionMatch } = parameters;
  if (resourceVersion === "" || resourceVersion === "0") return {};
  if (resourceVersionMatch === "Exact") return { revision: parseResourceVersion(resourceVersion) };
  checkResourceVersion(resourceVersion, store.core.storage.revision);
  return {};
}

function listOr<T extends KubeObject>(
  store: GenericStore<T>,
  selection: Selection,
  page: PageOptions,
  expired: () => StatusError,
): ListPage {
  try {
    return store.list(selection, page);
  } catch (err) {
    if (err instanceof Compacted) throw expired();
    throw err;
  }
}

/** etcd3 handleCompactedErrorForPaging: the token inside lets the client go on from the latest state. */
function continueExpired(after: string, prefix: string): StatusError {
  const error = new StatusError({
    code: 410,
    reason: "Expired",
    message:
      "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.",
  });
  error.status.metadata = { continue: encodeContinue({ after, revision: undefined }, prefix) };
  return error;
}

function listMeta({ revision, next, remaining }: ListPage, prefix: string): ListMeta {
  return {
    resourceVersion: String(revision),
    ...(next === undefined ? {} : { continue: encodeContinue({ after: next, revision }, prefix) }),
    ...(remaining === undefined ? {} : { remainingItemCount: remaining }),
  };
}

const COMMA = Buffer.from(",");

/** Splices stored bytes: nothing is parsed or printed again. */
export function listBytes<T extends KubeObject>(
  { core }: GenericStore<T>,
  items: readonly KeyValue[],
  metadata: ListMeta,
): Uint8Array {
  const { listKind, apiVersion } = core.resource.descriptor;
  const chunks: Uint8Array[] = [
    Buffer.from(
      `{"kind":"${listKind}","apiVersion":"${apiVersion}","metadata":${JSON.stringify(metadata)},"items":[`,
    ),
  ];
  for (const [i, item] of items.entries()) {
    if (i > 0) chunks.push(COMMA);
    chunks.push(core.bytes(item));
  }
  chunks.push(Buffer.from("]}\n"));
  return Buffer.concat(chunks);
}
