import type { HttpResponse } from "../../machinery/api/http.js";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import { jsonAnswer } from "./answer.js";
import type { ResourceCall } from "./call.js";
import { deleteOptions, deleteWriteOptions } from "./delete.js";
import { listParameters, selectionOf } from "./list-parameters.js";
import { listBytes } from "./list.js";
import { negotiate } from "./media-type.js";

/** Deletes what a selector finds; the answer is the list of what was found. */
export async function handleDeleteCollection<T extends KubeObject>(
  call: ResourceCall<T>,
): Promise<HttpResponse> {
  const { query, resource, info, store, request } = call;
  negotiate(request.headers["accept"]);
  const parameters = listParameters(query, resource, false);
  const selection = selectionOf(parameters, info.namespace, resource.descriptor.namespaced);
  const deletion = await deleteOptions(call);
  const { page } = await store.deleteCollection(selection, deletion, deleteWriteOptions(call, deletion));
  return jsonAnswer(200, listBytes(store, page.items, { resourceVersion: String(page.revision) }));
}
