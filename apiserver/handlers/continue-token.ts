import { newBadRequest } from "../../machinery/api/status.js";
import type { Revision } from "../storage/storage.js";

/** Where a list goes on: after this key, as of this revision; without one, as of now (an inconsistent continuation). */
export interface ContinueToken {
  after: string;
  revision: Revision | undefined;
}

const VERSION = "meta.k8s.io/v1";
const LATEST = -1;
/** Go's next key after a key. */
const END = "\u0000";

/** Opaque to clients; the shape is a real server's. Keys are kept relative to the list's prefix. */
export function encodeContinue({ after, revision }: ContinueToken, prefix: string): string {
  const token = { v: VERSION, rv: revision ?? LATEST, start: after.slice(prefix.length) + END };
  return Buffer.from(JSON.stringify(token)).toString("base64url");
}

export function decodeContinue(text: string, prefix: string): ContinueToken {
  const invalid = (why: string) => newBadRequest(`continue key is not valid: ${why}`);
  let token: unknown;
  try {
    token = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
  } catch (err) {
    throw invalid(err instanceof Error ? err.message : "not JSON");
  }
  const { v, rv, start } = (token ?? {}) as { v?: unknown; rv?: unknown; start?: unknown };
  if (v !== VERSION)
    throw invalid("server does not recognize this encoded version " + JSON.stringify(v ?? ""));
  if (typeof rv !== "number" || !Number.isInteger(rv) || rv === 0)
    throw invalid("incorrect encoded start resourceVersion (version meta.k8s.io/v1)");
  if (typeof start !== "string" || start === "")
    throw invalid("encoded start key empty (version meta.k8s.io/v1)");
  return {
    after: prefix + start.slice(0, start.endsWith(END) ? -1 : undefined),
    revision: rv === LATEST ? undefined : rv,
  };
}
