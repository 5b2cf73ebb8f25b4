import { YAMLException } from "js-yaml";

/** Keys that stand at the left margin of a manifest; anything else there has most likely lost its indentation. */
const TOP_LEVEL_KEYS = new Set([
  "apiVersion",
  "kind",
  "metadata",
  "spec",
  "status",
  "data",
  "binaryData",
  "stringData",
  "immutable",
  "type",
  "items",
  "subsets",
  "endpoints",
  "addressType",
  "ports",
  "automountServiceAccountToken",
  "secrets",
  "imagePullSecrets",
  "rules",
  "subjects",
  "roleRef",
  "webhooks",
]);
const NEEDS_CHILDREN = new Set([
  "metadata",
  "spec",
  "selector",
  "labels",
  "annotations",
  "template",
  "ports",
]);

/**
 * Says where a manifest is broken and what most likely happened to it. `err` is js-yaml's, absent when the text parsed
 * but is no object; `object` is what it parsed to.
 */
export function explainYamlError(err: unknown, text: string, source: string, object?: object): string {
  const lost = firstLostIndentation(text);
  const hint = lost
    ? `\n  line ${lost.line}: "${lost.text.trim()}" stands at the left margin: it has most likely lost its indentation (it belongs under "${lost.parent}")`
    : "";
  if (err instanceof YAMLException) {
    const at = err.mark ? ` line ${err.mark.line + 1}:` : "";
    const tab = /\t/.test(text.split("\n")[err.mark?.line ?? 0] ?? "")
      ? "\n  the line holds a tab; YAML indents with spaces only"
      : "";
    return `error parsing ${source}: error converting YAML to JSON: yaml:${at} ${err.reason}${tab}${hint}`;
  }
  if (err instanceof Error) return `error parsing ${source}: ${err.message}${hint}`;
  const missing =
    object && !("kind" in object && object.kind) ? "Object 'Kind' is missing" : "'apiVersion' is missing";
  return `unable to decode "${source}": ${object ? missing : "the document is not an object"}${hint}`;
}

function firstLostIndentation(text: string): { line: number; text: string; parent: string } | undefined {
  let parent: string | undefined;
  const lines = text.split("\n");
  for (const [i, line] of lines.entries()) {
    const key = /^(- )?([A-Za-z][\w.-]*):/.exec(line);
    if (!key) continue;
    const name = key[2] ?? "";
    if (parent && (key[1] || !TOP_LEVEL_KEYS.has(name))) return { line: i + 1, text: line, parent };
    // A bare `spec:` whose next line is not indented has lost its children.
    const opensBlock = NEEDS_CHILDREN.has(name) && line.trimEnd().endsWith(":");
    const next = lines.slice(i + 1).find((later) => later.trim() !== "" && !later.trim().startsWith("#"));
    parent = opensBlock && next !== undefined && !/^\s/.test(next) ? name : parent;
  }
  return undefined;
}
