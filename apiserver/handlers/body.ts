import { type HttpRequest, readBody } from "../../machinery/api/http.js";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import { decodeProtobuf } from "../../machinery/api/protobuf/decode.js";
import { ProtobufError } from "../../machinery/api/protobuf/wire.js";
import type { GroupVersionKind } from "../../machinery/api/resource.js";
import { decodeObject, type FieldValidation } from "../../machinery/api/schema/decode.js";
import type { SchemaSource } from "../../machinery/api/schema/schema.js";
import {
  newBadRequest,
  newRequestEntityTooLarge,
  newUnsupportedMediaType,
} from "../../machinery/api/status.js";
import { JSON_TYPE, parseMediaType, PROTOBUF_TYPE, YAML_TYPE } from "./media-type.js";

/** kube-apiserver's MaxRequestBodyBytes. */
export const BODY_LIMIT_BYTES = 3 * 1024 * 1024;

export async function boundedBody(request: HttpRequest): Promise<Uint8Array> {
  const declared = Number(request.headers["content-length"] ?? "0");
  if (declared > BODY_LIMIT_BYTES) throw tooLarge();
  try {
    return await readBody(request.body, BODY_LIMIT_BYTES);
  } catch (err) {
    if (err instanceof RangeError) throw tooLarge();
    throw err;
  }
}

const tooLarge = () => newRequestEntityTooLarge(`limit is ${BODY_LIMIT_BYTES}`);

/** A body as it was sent, ready to be decoded more than once. */
export type ObjectInput = { bytes: Uint8Array } | { value: unknown };

export async function readObjectInput(request: HttpRequest, schemas: SchemaSource): Promise<ObjectInput> {
  const { type } = parseMediaType(request.headers["content-type"] ?? "");
  switch (type) {
    case "":
    case JSON_TYPE:
    case "*/*":
      return { bytes: await boundedBody(request) };
    case YAML_TYPE:
    case "application/x-yaml":
    case "text/yaml":
      return parseYaml(await boundedBody(request));
    case PROTOBUF_TYPE:
      return parseProtobuf(await boundedBody(request), schemas);
    default:
      throw newUnsupportedMediaType([JSON_TYPE, YAML_TYPE, PROTOBUF_TYPE]);
  }
}

/** What typed Go clients send, `kubectl create` of 1.32 among them. */
function parseProtobuf(bytes: Uint8Array, schemas: SchemaSource): ObjectInput {
  if (bytes.length === 0) return { bytes };
  try {
    return { value: decodeProtobuf(bytes, schemas) };
  } catch (err) {
    if (err instanceof ProtobufError) throw newBadRequest(err.message);
    throw err;
  }
}

/** YAML is brought to JSON first, as the real server does, so that both get the same checks. */
async function parseYaml(bytes: Uint8Array): Promise<ObjectInput> {
  const { load } = await import("js-yaml");
  try {
    return { bytes: Buffer.from(JSON.stringify(load(new TextDecoder().decode(bytes)) ?? null)) };
  } catch (err) {
    const reason = err instanceof Error ? (err.message.split("\n")[0] ?? "") : "";
    throw newBadRequest(`error converting YAML to JSON: yaml: ${reason}`);
  }
}

/** The object in a body, pruned and checked; warnings for fields that were dropped. */
export function decodeInput<T extends KubeObject>(
  input: ObjectInput,
  gvk: GroupVersionKind,
  source: SchemaSource,
  fieldValidation: FieldValidation,
): { object: T; warnings: readonly string[] } {
  const { object, warnings } = decodeObject({ gvk, input, fieldValidation, source });
  object["metadata"] ??= {};
  return { object: object as unknown as T, warnings };
}
