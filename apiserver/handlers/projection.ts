import { newInvalid } from "../../machinery/api/field-error.js";
import type { HttpResponse } from "../../machinery/api/http.js";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import { newMethodNotSupported, newNotFound } from "../../machinery/api/status.js";
import type { Subresource } from "../registry/serve.js";
import { objectAnswer } from "./answer.js";
import { decodeInput, readObjectInput } from "./body.js";
import { at, type ResourceCall, writeOptions } from "./call.js";
import { negotiate } from "./media-type.js";
import { readPatch } from "./patch.js";
import { checkName } from "./update.js";
import { fieldValidationOf } from "./write-parameters.js";

export type Projection<T extends KubeObject> = Extract<Subresource<T>, { kind: "projection" }>;

/** A subresource that shows the object as another kind: scale. */
export async function handleProjection<T extends KubeObject>(
  call: ResourceCall<T>,
  projection: Projection<T>,
): Promise<HttpResponse> {
  negotiate(call.request.headers["accept"]);
  switch (call.info.verb) {
    case "get":
      return objectAnswer(200, projection.get(call.store.get(at(call))));
    case "update":
      return put(call, projection, "UpdateOptions", await sentProjection(call, projection));
    case "patch":
      return put(call, projection, "PatchOptions", await patchedProjection(call, projection));
    default:
      throw newMethodNotSupported(call.store.core.groupResource, call.info.verb);
  }
}

type Asked<T> = (current: T) => KubeObject;

async function sentProjection<T extends KubeObject>(
  call: ResourceCall<T>,
  { descriptor }: Projection<T>,
): Promise<Asked<T>> {
  const validation = fieldValidationOf(call.query, "UpdateOptions");
  const input = await readObjectInput(call.request, call.services.schemas);
  const { object, warnings } = decodeInput(input, descriptor, call.services.schemas, validation);
  call.warnings.push(...warnings);
  const { name, namespace } = at(call);
  checkName(object, name, namespace);
  return () => object;
}

async function patchedProjection<T extends KubeObject>(
  call: ResourceCall<T>,
  projection: Projection<T>,
): Promise<Asked<T>> {
  const { schemas } = call.services;
  const patch = await readPatch(call.request, schemas);
  return (current) => {
    const { resourceVersion: _, ...rest } = projection.get(current).metadata;
    const shown = { ...projection.get(current), metadata: rest };
    return decodeInput(
      { value: patch(shown, projection.descriptor) },
      projection.descriptor,
      schemas,
      "Ignore",
    ).object;
  };
}

async function put<T extends KubeObject>(
  call: ResourceCall<T>,
  projection: Projection<T>,
  optionsKind: string,
  asked: Asked<T>,
): Promise<HttpResponse> {
  const { store, info } = call;
  const target = at(call);
  const options = writeOptions(call, optionsKind, { subresource: info.subresource });
  const change = (current: T | undefined): T => {
    if (!current) throw newNotFound(store.core.groupResource, target.name);
    const wanted = asked(current);
    const copy = store.core.copyOf(store.core.existing(target));
    // Its own resourceVersion, when sent, is the precondition; without one the latest is meant.
    copy.metadata.resourceVersion = wanted.metadata.resourceVersion || current.metadata.resourceVersion;
    if (wanted.metadata.uid) copy.metadata.uid = wanted.metadata.uid;
    const errors = projection.put(copy, wanted);
    if (errors.length > 0) throw newInvalid(projection.descriptor, target.name, errors);
    return copy;
  };
  const { object } = await store.update(target, change, options);
  return objectAnswer(200, projection.get(object));
}
