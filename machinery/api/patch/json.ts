import jsonPatch, { type Operation } from "fast-json-patch";

/** A JSON patch (RFC 6902) that is malformed, or does not apply to the document. */
export class JsonPatchFailure extends Error {
  override readonly name = "JsonPatchFailure";
  readonly malformed: boolean;
  constructor(message: string, malformed: boolean) {
    super(message);
    this.malformed = malformed;
  }
}

const OPERATIONS: readonly string[] = ["add", "remove", "replace", "move", "copy", "test"];

/** What a patch may copy in all: a document that is copied into itself doubles with each step (JSONPatchMaxCopyBytes). */
const MOST_COPIED_BYTES = 3 * 1024 * 1024;

/** The patched document; the argument stays as it is. Throws JsonPatchFailure. */
export function applyJsonPatch(document: unknown, patch: unknown): unknown {
  const operations = checked(patch);
  let copiedBytes = 0;
  try {
    let patched = jsonPatch.deepClone(document) as unknown;
    for (const [i, operation] of operations.entries()) {
      if (operation.op === "copy") copiedBytes = checkCopied(copiedBytes + sizeAt(patched, operation.from));
      patched = jsonPatch.applyOperation(patched, operation, true, true, true, i).newDocument;
    }
    return patched;
  } catch (err) {
    if (err instanceof JsonPatchFailure) throw err;
    const [reason = "the patch does not apply"] = err instanceof Error ? err.message.split("\n") : [];
    throw new JsonPatchFailure(reason, false);
  }
}

function checkCopied(bytes: number): number {
  if (bytes > MOST_COPIED_BYTES)
    throw new JsonPatchFailure(
      `Unable to complete the copy, the accumulated size increase of copy is ${bytes}, exceeding the limit ${MOST_COPIED_BYTES}`,
      false,
    );
  return bytes;
}

/** Size of what a JSON pointer leads to; 0 when it leads nowhere, which applying the operation will tell. */
function sizeAt(document: unknown, pointer: unknown): number {
  if (typeof pointer !== "string") return 0;
  let value = document;
  for (const part of pointer.split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return 0;
    value = (value as Record<string, unknown>)[key];
  }
  return Buffer.byteLength(JSON.stringify(value) ?? "");
}

function checked(patch: unknown): Operation[] {
  if (!Array.isArray(patch))
    throw new JsonPatchFailure("json: cannot unmarshal object into Go value of type jsonpatch.Patch", true);
  for (const operation of patch as Partial<Operation>[]) {
    if (typeof operation !== "object" || operation === null)
      throw new JsonPatchFailure("json: cannot unmarshal into Go value of type jsonpatch.Operation", true);
    if (!OPERATIONS.includes(operation.op ?? ""))
      throw new JsonPatchFailure(`Unexpected kind: ${operation.op ?? "unknown"}`, false);
    if (typeof operation.path !== "string" || (operation.path !== "" && !operation.path.startsWith("/")))
      throw new JsonPatchFailure(
        `${operation.op} operation does not apply: doc is missing path: ${JSON.stringify(operation.path ?? "")}`,
        false,
      );
  }
  return patch as Operation[];
}
