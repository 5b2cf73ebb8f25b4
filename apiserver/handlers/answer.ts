import type { HttpRequest, HttpResponse } from "../../machinery/api/http.js";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import { isTrue } from "../../machinery/api/request-info.js";
import type { Status } from "../../machinery/api/status.js";
import { fromBytes, toBytes } from "../registry/object-bytes.js";
import { JSON_TYPE, type Representation, YAML_TYPE } from "./media-type.js";

const JSON_HEADERS = { "content-type": JSON_TYPE, "cache-control": "no-cache, private" } as const;

/** Bytes that are JSON already. */
export const jsonAnswer = (status: number, body: Uint8Array): HttpResponse => ({
  status,
  headers: JSON_HEADERS,
  body,
});

export const textAnswer = (
  status: number,
  text: string,
  headers: Record<string, string> = {},
): HttpResponse => ({
  status,
  headers: { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff", ...headers },
  body: Buffer.from(text),
});

export function statusAnswer(status: Status): HttpResponse {
  const retryAfter = status.details?.retryAfterSeconds;
  return {
    status: status.code,
    headers: retryAfter ? { ...JSON_HEADERS, "retry-after": String(retryAfter) } : JSON_HEADERS,
    body: Buffer.from(`${JSON.stringify(status)}\n`),
  };
}

/** An object that is not a stored one. */
export const objectAnswer = (status: number, object: KubeObject | Status): HttpResponse =>
  jsonAnswer(status, toBytes(object));

/** Rewrites a JSON answer as the client asked: YAML, or indented for people. */
export async function inForm(
  answer: HttpResponse,
  { type }: Pick<Representation, "type">,
  { request, query }: { request: HttpRequest; query: URLSearchParams },
): Promise<HttpResponse> {
  const { body } = answer;
  if (!(body instanceof Uint8Array) || answer.headers["content-type"] !== JSON_TYPE) return answer;
  if (type === YAML_TYPE) {
    const { dump } = await import("js-yaml");
    const text = dump(fromBytes(body), { noRefs: true, lineWidth: -1 });
    return { ...answer, headers: { ...answer.headers, "content-type": YAML_TYPE }, body: Buffer.from(text) };
  }
  if (!wantsIndent(request, query)) return answer;
  return { ...answer, body: Buffer.from(`${JSON.stringify(fromBytes(body), null, 2)}\n`) };
}

function wantsIndent(request: HttpRequest, query: URLSearchParams): boolean {
  const pretty = query.get("pretty");
  if (pretty !== null) return isTrue(pretty);
  const agent = request.headers["user-agent"] ?? "";
  return agent.startsWith("curl") || agent.startsWith("Wget") || agent.startsWith("Mozilla");
}

const quoted = (text: string): string => `"${text.replace(/\\/g, "\\\\").replace(/"/g, '\\"')}"`;
const LONGEST_WARNINGS_BYTES = 16 * 1024;

/** `299 - "…"` for each text, each once. */
export function withWarnings(answer: HttpResponse, warnings: readonly string[]): HttpResponse {
  if (warnings.length === 0) return answer;
  let value = "";
  for (const text of new Set(warnings)) {
    // Header values are Latin-1 without control characters.
    const next = `299 - ${quoted(text.replace(/[^\t\x20-\x7e]/g, "?"))}`;
    if (value.length + next.length > LONGEST_WARNINGS_BYTES) break;
    value += value ? `, ${next}` : next;
  }
  return { ...answer, headers: { ...answer.headers, warning: value } };
}
