import type { HttpResponse } from "../../machinery/api/http.js";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import { negotiate } from "./media-type.js";
import { jsonAnswer } from "./answer.js";
import { at, type ResourceCall } from "./call.js";
import { checkResourceVersion } from "./list-parameters.js";
import { answerObject } from "./written.js";

/** Copies the stored bytes; parses only for tables and metadata. */
export function handleGet<T extends KubeObject>(call: ResourceCall<T>): HttpResponse {
  const { store, request, query } = call;
  const version = query.get("resourceVersion");
  if (version) checkResourceVersion(version, store.core.storage.revision);
  const item = store.item(at(call));
  if (negotiate(request.headers["accept"]).as === "object") return jsonAnswer(200, store.core.bytes(item));
  return answerObject(call, 200, { object: store.core.view.object(item), bytes: store.core.bytes(item) });
}
