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

/** The patched document; the argument stays as it is. Throws JsonPatchFailure. */
export function applyJsonPatch(document: unknown, patch: unknown): unknown {
  const operations = checked(patch);
  try {
    return jsonPatch.applyPatch(document, operations, true, false, true).newDocument;
  } catch (err) {
    const [reason = "the patch does not apply"] = err instanceof Error ? err.message.split("\n") : [];
    throw new JsonPatchFailure(reason, false);
  }
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
