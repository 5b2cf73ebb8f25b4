import type { HttpResponse } from "../../machinery/api/http.js";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import { newBadRequest } from "../../machinery/api/status.js";
import type { Strategy } from "../registry/serve.js";
import { decodeInput, readObjectInput } from "./body.js";
import { at, type ResourceCall, writeOptions } from "./call.js";
import { negotiate } from "./media-type.js";
import { fieldValidationOf } from "./write-parameters.js";
import { answerObject } from "./written.js";

export async function handleUpdate<T extends KubeObject>(
  call: ResourceCall<T>,
  view?: { subresource: string; strategy?: Strategy<T> },
): Promise<HttpResponse> {
  const { store, query, resource, request, services } = call;
  negotiate(request.headers["accept"]);
  const options = writeOptions(call, "UpdateOptions", view);
  const validation = fieldValidationOf(query, "UpdateOptions");
  const input = await readObjectInput(request, services.schemas);
  const target = at(call);
  const decode = (): T => {
    const { object, warnings } = decodeInput<T>(input, resource.descriptor, services.schemas, validation);
    call.warnings.push(...warnings);
    checkName(object, target.name, target.namespace);
    return object;
  };
  const result = await store.update(target, decode, options);
  return answerObject(call, result.created ? 201 : 200, result);
}

/** endpoints/handlers/rest.go checkName. */
export function checkName({ metadata }: KubeObject, name: string, namespace: string | undefined): void {
  if (!metadata.name)
    throw newBadRequest(
      `the name of the object (${name} based on URL) was undeterminable: name must be provided`,
    );
  if (metadata.name !== name)
    throw newBadRequest(
      `the name of the object (${metadata.name}) does not match the name on the URL (${name})`,
    );
  if (!namespace) return;
  metadata.namespace ||= namespace;
  if (metadata.namespace !== namespace)
    throw newBadRequest(
      `the namespace of the object (${metadata.namespace}) does not match the namespace on the request (${namespace})`,
    );
}
