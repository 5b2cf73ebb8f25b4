import type { HttpRequest, HttpResponse } from "../../machinery/api/http.js";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import { applyJsonPatch, JsonPatchFailure } from "../../machinery/api/patch/json.js";
import { applyMergePatch } from "../../machinery/api/patch/merge.js";
import { applyStrategicMergePatch, StrategicPatchError } from "../../machinery/api/patch/strategic.js";
import type { GroupVersionKind } from "../../machinery/api/resource.js";
import { scanJson } from "../../machinery/api/schema/json-scan.js";
import type { SchemaSource } from "../../machinery/api/schema/schema.js";
import {
  newBadRequest,
  newNotFound,
  newRequestEntityTooLarge,
  newUnsupportedMediaType,
  StatusError,
} from "../../machinery/api/status.js";
import type { Strategy } from "../registry/serve.js";
import { boundedBody, decodeInput } from "./body.js";
import { at, type ResourceCall, writeOptions } from "./call.js";
import { negotiate, parseMediaType } from "./media-type.js";
import { checkName } from "./update.js";
import { fieldValidationOf } from "./write-parameters.js";
import { answerObject } from "./written.js";

const JSON_PATCH = "application/json-patch+json";
const MERGE_PATCH = "application/merge-patch+json";
const STRATEGIC_PATCH = "application/strategic-merge-patch+json";
const PATCH_TYPES = [JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH];
const MOST_JSON_PATCH_OPERATIONS = 10_000;

/** Applies to a document and answers the patched one; what it is given may be shared in the result. */
export type PatchFunction = (document: unknown, gvk: GroupVersionKind) => unknown;

export async function handlePatch<T extends KubeObject>(
  call: ResourceCall<T>,
  view?: { subresource: string; strategy?: Strategy<T> },
): Promise<HttpResponse> {
  const { store, query, resource, request, services } = call;
  negotiate(request.headers["accept"]);
  const options = writeOptions(call, "PatchOptions", view);
  const validation = fieldValidationOf(query, "PatchOptions");
  const patch = await readPatch(request, services.schemas);
  const target = at(call);
  const change = (current: T | undefined): T => {
    if (!current) throw newNotFound(store.core.groupResource, target.name);
    // The result may share parts with `current`; decoding makes it an object of its own.
    const value = patch(current, resource.descriptor);
    const { object, warnings } = decodeInput<T>({ value }, resource.descriptor, services.schemas, validation);
    call.warnings.push(...warnings);
    checkName(object, target.name, target.namespace);
    return object;
  };
  const result = await store.update(target, change, options);
  return answerObject(call, result.created ? 201 : 200, result);
}

/** The patch in a request's body. Throws 415 for a type that this server does not know. */
export async function readPatch(request: HttpRequest, schemas: SchemaSource): Promise<PatchFunction> {
  const { type } = parseMediaType(request.headers["content-type"] ?? "");
  if (!PATCH_TYPES.includes(type)) throw newUnsupportedMediaType(PATCH_TYPES);
  const patch = parse(await boundedBody(request));
  switch (type) {
    case JSON_PATCH:
      checkLength(patch);
      return (document) => failing(() => applyJsonPatch(document, patch));
    case MERGE_PATCH:
      return (document) => failing(() => applyMergePatch(document, patch));
    default:
      return (document, gvk) =>
        failing(() => applyStrategicMergePatch(document, patch, schemas.schemaOf(gvk)));
  }
}

function parse(bytes: Uint8Array): unknown {
  if (scanJson(bytes).tooDeep) throw newBadRequest("json: exceeded max depth");
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (err) {
    throw newBadRequest(`error decoding patch: ${err instanceof Error ? err.message : "invalid JSON"}`);
  }
}

function checkLength(patch: unknown): void {
  if (Array.isArray(patch) && patch.length > MOST_JSON_PATCH_OPERATIONS)
    throw newRequestEntityTooLarge(
      `The allowed maximum operations in a JSON patch is ${MOST_JSON_PATCH_OPERATIONS}, got ${patch.length}`,
    );
}

function failing<R>(apply: () => R): R {
  try {
    return apply();
  } catch (err) {
    if (err instanceof StrategicPatchError) throw newBadRequest(err.message);
    // Merging is recursive; a patch too deep for it is too deep for everything after it.
    if (err instanceof RangeError) throw newBadRequest("json: exceeded max depth");
    if (!(err instanceof JsonPatchFailure)) throw err;
    if (err.malformed) throw newBadRequest(err.message);
    throw new StatusError({
      code: 422,
      reason: "Invalid",
      message: "the server rejected our request due to an error in our request",
      details: {},
    });
  }
}
