import type { HttpResponse } from "../../machinery/api/http.js";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import { newBadRequest } from "../../machinery/api/status.js";
import { matchNamespace } from "../registry/create-object.js";
import { decodeInput, readObjectInput } from "./body.js";
import { objectAnswer } from "./answer.js";
import { type ResourceCall, writeOptions } from "./call.js";
import { negotiate } from "./media-type.js";
import { fieldValidationOf } from "./write-parameters.js";
import { answerObject } from "./written.js";

export async function handleCreate<T extends KubeObject>(call: ResourceCall<T>): Promise<HttpResponse> {
  const { store, query, resource, request, services, info } = call;
  negotiate(request.headers["accept"]);
  const options = writeOptions(call, "CreateOptions");
  const validation = fieldValidationOf(query, "CreateOptions");
  const input = await readObjectInput(request, services.schemas);
  const { object, warnings } = decodeInput<T>(input, resource.descriptor, services.schemas, validation);
  call.warnings.push(...warnings);
  const namespace = resource.descriptor.namespaced ? info.namespace : undefined;
  if (resource.virtual) return answerVirtual(call, object, namespace);
  matchNamespace(object, namespace);
  return answerObject(call, 201, await store.create(object, options));
}

/** A kind that is answered, not stored (SelfSubjectAccessReview). */
async function answerVirtual<T extends KubeObject>(
  call: ResourceCall<T>,
  object: T,
  namespace: string | undefined,
): Promise<HttpResponse> {
  const { resource, store } = call;
  if (!resource.virtual) throw newBadRequest("not a virtual resource");
  if (namespace !== undefined) matchNamespace(object, namespace);
  resource.strategy.defaults?.(object);
  const context = store.core.context(writeOptions(call, "CreateOptions"));
  return objectAnswer(201, await resource.virtual(object, context));
}
