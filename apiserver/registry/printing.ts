import { ageSince } from "../../machinery/api/human-duration.js";
import type { KubeObject, LabelSelector, LabelSelectorRequirement } from "../../machinery/api/meta-v1.js";
import type { TableColumn } from "./serve.js";

export const NONE = "<none>";
export const UNKNOWN = "<unknown>";
export const UNSET = "<unset>";

export const nameColumn: TableColumn = {
  name: "Name",
  type: "string",
  format: "name",
  description:
    "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names",
};
export const ageColumn: TableColumn = {
  name: "Age",
  type: "string",
  description:
    "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.",
};
/** A column of strings; `wide` columns show with `-o wide`. */
export const textColumn = (name: string, description: string): TableColumn => ({
  name,
  type: "string",
  description,
});
export const integerColumn = (name: string, description: string): TableColumn => ({
  name,
  type: "integer",
  description,
});
export const wide = (column: TableColumn): TableColumn => ({ ...column, priority: 1 });

export const ageOf = (object: KubeObject, nowMs: number): string =>
  ageSince(object.metadata.creationTimestamp, nowMs);

/** `app=web,tier=front`, or `<none>` (labels.FormatLabels). */
export function formatLabels(labels: Record<string, string> | undefined): string {
  const text = Object.entries(labels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(",");
  return text === "" ? NONE : text;
}

/** `app=web,tier in (a,b),!old` (metav1.FormatLabelSelector). */
export function formatLabelSelector(selector: LabelSelector | undefined): string {
  const parts = [
    ...Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => ({ key, text: `${key}=${value}` })),
    ...(selector?.matchExpressions ?? []).map((requirement) => ({
      key: requirement.key,
      text: formatRequirement(requirement),
    })),
  ];
  if (parts.length === 0) return NONE;
  return parts
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map((part) => part.text)
    .join(",");
}

function formatRequirement({ key, operator, values }: LabelSelectorRequirement): string {
  const list = [...(values ?? [])].sort().join(",");
  switch (operator) {
    case "In":
      return `${key} in (${list})`;
    case "NotIn":
      return `${key} notin (${list})`;
    case "Exists":
      return key;
    case "DoesNotExist":
      return `!${key}`;
  }
}
