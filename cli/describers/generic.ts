import type { KubeObject } from "../../machinery/api/meta-v1.js";
import { annotationLines, type Describer, mapLines } from "./describer.js";

/** Every field, its name in words: `creationTimestamp` is `Creation Timestamp`. */
export const genericDescriber: Describer<KubeObject> = {
  describe(object) {
    const { apiVersion, kind, metadata, ...rest } = object as KubeObject & Record<string, unknown>;
    return [
      `Name:\t${metadata.name}`,
      ...(metadata.namespace === undefined ? [] : [`Namespace:\t${metadata.namespace}`]),
      ...mapLines("Labels", metadata.labels),
      ...annotationLines(object),
      `API Version:\t${apiVersion}`,
      `Kind:\t${kind}`,
      "Metadata:",
      `  Creation Timestamp:\t${metadata.creationTimestamp}`,
      `  Resource Version:\t${metadata.resourceVersion}`,
      `  UID:\t${metadata.uid}`,
      ...fieldLines(rest, ""),
    ];
  },
};

function fieldLines(fields: Readonly<Record<string, unknown>>, indent: string): string[] {
  return Object.entries(fields)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, value]) => valueLines(inWords(name), value, indent));
}

function valueLines(title: string, value: unknown, indent: string): string[] {
  if (Array.isArray(value)) {
    const items = value.flatMap((item: unknown) =>
      typeof item === "object" && item !== null
        ? fieldLines(item as Record<string, unknown>, `${indent}  `)
        : [`${indent}  ${String(item)}`],
    );
    return [`${indent}${title}:`, ...items];
  }
  if (typeof value === "object" && value !== null) {
    return [`${indent}${title}:`, ...fieldLines(value as Record<string, unknown>, `${indent}  `)];
  }
  return [`${indent}${title}:\t${String(value)}`];
}

const inWords = (name: string): string =>
  name.replace(/([a-z0-9])([A-Z])/g, "$1 $2").replace(/^./, (letter) => letter.toUpperCase());
