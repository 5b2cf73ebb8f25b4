import type { HttpResponse, UpgradeRequest } from "../../machinery/api/http.js";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import type { ActionCall, Subresource } from "../registry/serve.js";
import { boundedBody, decodeInput, readObjectInput } from "./body.js";
import { at, type ResourceCall, writeOptions } from "./call.js";
import { fieldValidationOf } from "./write-parameters.js";

export type Action<T extends KubeObject> = Extract<Subresource<T>, { kind: "action" }>;

/** A subresource with a handler of its own: binding, eviction, log, exec. */
export async function handleAction<T extends KubeObject>(
  call: ResourceCall<T>,
  action: Action<T>,
  upgrade?: UpgradeRequest,
): Promise<HttpResponse | undefined> {
  const { admission } = call.store.core.dependencies;
  const actionCall = toActionCall(call, action);
  const request = call.store.core.admissionRequest(
    "CONNECT",
    at(call),
    {},
    writeOptions(call, "CreateOptions", { subresource: call.info.subresource }),
  );
  await admission.admit(request);
  await admission.validate(request);
  return upgrade && action.upgrade ? action.upgrade(actionCall, upgrade) : action.handle(actionCall);
}

function toActionCall<T extends KubeObject>(call: ResourceCall<T>, action: Action<T>): ActionCall<T> {
  const { request, query, info, store, services, signal } = call;
  const { namespace, name } = at(call);
  const options = writeOptions(call, "CreateOptions", { subresource: info.subresource });
  return {
    request,
    query,
    namespace,
    name,
    path: info.rest,
    object: store.get({ namespace, name: action.objectName?.(name) ?? name }),
    store,
    context: store.core.context(options),
    signal,
    kubelets: services.kubelets,
    warn: (message) => call.warnings.push(message),
    decodeBody: () => decodeBody(call, action),
  };
}

async function decodeBody<T extends KubeObject, B extends KubeObject>(
  call: ResourceCall<T>,
  { descriptor }: Action<T>,
): Promise<B | undefined> {
  const bytes = await boundedBody(call.request);
  if (bytes.length === 0) return undefined;
  const input = await readObjectInput({ ...call.request, body: bytes }, call.services.schemas);
  const validation = fieldValidationOf(call.query, "CreateOptions");
  const { object, warnings } = decodeInput<B>(input, descriptor, call.services.schemas, validation);
  call.warnings.push(...warnings);
  return object;
}
