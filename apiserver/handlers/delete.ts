import type { HttpResponse } from "../../machinery/api/http.js";
import type { DeleteOptions, KubeObject } from "../../machinery/api/meta-v1.js";
import { newBadRequest, type Status } from "../../machinery/api/status.js";
import type { DeleteResult, WriteOptions } from "../registry/write.js";
import { newInvalid } from "../../machinery/api/field-error.js";
import { isTrue } from "../../machinery/api/request-info.js";
import { fromBytes } from "../registry/object-bytes.js";
import { objectAnswer } from "./answer.js";
import { readObjectInput } from "./body.js";
import { at, type ResourceCall, writeOptions } from "./call.js";
import { negotiate } from "./media-type.js";
import { dryRunErrors } from "./write-parameters.js";
import { answerObject } from "./written.js";

export async function handleDelete<T extends KubeObject>(call: ResourceCall<T>): Promise<HttpResponse> {
  negotiate(call.request.headers["accept"]);
  const deletion = await deleteOptions(call);
  const result = await call.store.delete(at(call), deletion, deleteWriteOptions(call, deletion));
  // Older clients that ask for a cascade this way want to know that it is not over.
  const status = !result.removed && deletion.orphanDependents === false ? 202 : 200;
  return answerDeleted(call, status, result);
}

export const deleteWriteOptions = <T extends KubeObject>(
  call: ResourceCall<T>,
  { dryRun }: DeleteOptions,
): WriteOptions<T> => {
  const options = writeOptions(call, "DeleteOptions");
  return { ...options, dryRun: options.dryRun || (dryRun ?? []).length > 0 };
};

function answerDeleted<T extends KubeObject>(
  call: ResourceCall<T>,
  code: number,
  result: DeleteResult<T>,
): HttpResponse {
  if (!result.removed || call.resource.strategy.returnDeletedObject) return answerObject(call, code, result);
  const { group, plural } = call.resource.descriptor;
  const { name, uid } = result.object.metadata;
  const status: Status = {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    details: { name, ...(group ? { group } : {}), kind: plural, uid },
    code: 200,
  };
  // A success has no code in its body.
  const { code: _, ...body } = status;
  return objectAnswer(code, body as Status);
}

/** From the body, or from the query when there is none. */
export async function deleteOptions(call: ResourceCall): Promise<DeleteOptions> {
  const { request, query } = call;
  const fromQuery = queryOptions(query);
  if (request.body === undefined || (request.body instanceof Uint8Array && request.body.length === 0))
    return fromQuery;
  const input = await readObjectInput(request, call.services.schemas);
  if ("bytes" in input && input.bytes.length === 0) return fromQuery;
  const body = "bytes" in input ? parse(input.bytes) : input.value;
  return checked(body);
}

function parse(bytes: Uint8Array): unknown {
  try {
    return fromBytes(bytes);
  } catch (err) {
    throw newBadRequest(
      `couldn't get version/kind; json parse error: ${err instanceof Error ? err.message : "invalid"}`,
    );
  }
}

function checked(body: unknown): DeleteOptions {
  if (typeof body !== "object" || body === null || Array.isArray(body))
    throw newBadRequest("couldn't get version/kind; json parse error: not an object");
  const options = body as DeleteOptions;
  if (options.kind !== undefined && options.kind !== "DeleteOptions")
    throw newBadRequest(
      `decoded object cannot be converted to DeleteOptions: ${options.kind} is not DeleteOptions`,
    );
  checkTypes(body as Readonly<Record<string, unknown>>);
  const { dryRun } = options;
  const errors = dryRunErrors(dryRun ?? []);
  if (errors.length > 0) throw newInvalid({ group: "meta.k8s.io", kind: "DeleteOptions" }, "", errors);
  return withoutNulls(options);
}

const isText = (value: unknown): boolean => typeof value === "string";
const isTextOrNull = (value: unknown): boolean => (value ?? null) === null || isText(value);

/** Field by field: its type in Go, and whether a value is of it. */
const TYPES: readonly (readonly [field: string, type: string, holds: (value: unknown) => boolean])[] = [
  ["gracePeriodSeconds", "int64", (value) => Number.isInteger(value) && Math.abs(value as number) < 2 ** 63],
  [
    "preconditions",
    "v1.Preconditions",
    (value) =>
      typeof value === "object" &&
      !Array.isArray(value) &&
      ["uid", "resourceVersion"].every((key) => isTextOrNull((value as Record<string, unknown>)[key])),
  ],
  ["propagationPolicy", "v1.DeletionPropagation", isText],
  ["orphanDependents", "bool", (value) => typeof value === "boolean"],
  ["dryRun", "[]string", (value) => Array.isArray(value) && value.every(isText)],
];

function checkTypes(options: Readonly<Record<string, unknown>>): void {
  for (const [name, type, holds] of TYPES) {
    const value = options[name] ?? null;
    if (value !== null && !holds(value))
      throw newBadRequest(
        `json: cannot unmarshal into Go struct field DeleteOptions.${name} of type ${type}`,
      );
  }
}

const withoutNulls = (options: DeleteOptions): DeleteOptions =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== null)) as DeleteOptions;

function parseSeconds(text: string): number {
  const value = Number(text);
  const why = !/^[+-]?\d+$/.test(text)
    ? "invalid syntax"
    : Math.abs(value) >= 2 ** 63
      ? "value out of range"
      : undefined;
  if (why) throw newBadRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: ${why}`);
  return value;
}

function queryOptions(query: URLSearchParams): DeleteOptions {
  const options: DeleteOptions = {};
  const seconds = query.get("gracePeriodSeconds");
  if (seconds) options.gracePeriodSeconds = parseSeconds(seconds);
  const policy = query.get("propagationPolicy");
  if (policy) options.propagationPolicy = policy as NonNullable<DeleteOptions["propagationPolicy"]>;
  const orphan = query.get("orphanDependents");
  if (orphan) options.orphanDependents = isTrue(orphan);
  return options;
}
