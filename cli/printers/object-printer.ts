import { dump } from "js-yaml";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import { UserError } from "../supervisor/cluster.js";
import { padColumns } from "./columns.js";
import { findByPath, renderJsonPath } from "./json-path.js";

/** Writes objects in one of kubectl's forms that need no server-side table. */
export interface ObjectPrinter {
  print(object: unknown, names: readonly PrintedName[]): string;
}

/** `deployment.apps/web`, for `-o name` and for messages. */
export interface PrintedName {
  object: KubeObject;
  name: string;
}

export const OUTPUT_FORMS = [
  "json",
  "yaml",
  "name",
  "wide",
  "jsonpath",
  "jsonpath-as-json",
  "jsonpath-file",
  "custom-columns",
] as const;

/** The printer of `-o FORM`; undefined for `""` and `wide` (a table). Throws UserError in kubectl's words. */
export function objectPrinter(
  output: string | undefined,
  options: { noHeaders?: boolean } = {},
): ObjectPrinter | undefined {
  if (!output || output === "wide") return undefined;
  const equals = output.indexOf("=");
  const form = equals < 0 ? output : output.slice(0, equals);
  const argument = equals < 0 ? undefined : output.slice(equals + 1);
  switch (form) {
    case "json":
      return { print: (object) => `${JSON.stringify(sorted(withoutManagedFields(object)), undefined, 4)}\n` };
    case "yaml":
      return { print: (object) => toYaml(withoutManagedFields(object)) };
    case "name":
      return { print: (_, names) => names.map(({ name }) => `${name}\n`).join("") };
    case "jsonpath":
      if (!argument) throw new UserError("template format specified but no template given", 1);
      return { print: (object) => renderJsonPath(argument, object) };
    case "custom-columns":
      if (!argument) throw new UserError("custom-columns format specified but no custom columns given", 1);
      return {
        print: (_, names) =>
          customColumns(
            argument,
            names.map(({ object }) => object),
            options.noHeaders ?? false,
          ),
      };
    default:
      throw new UserError(
        `unable to match a printer suitable for the output format "${output}", allowed formats are: custom-columns,json,jsonpath,name,wide,yaml`,
      );
  }
}

/** YAML as kubectl prints it: keys in order, sequences not indented. */
export const toYaml = (object: unknown): string =>
  dump(object, { sortKeys: true, seqNoIndent: true, lineWidth: -1, quoteStyle: "double" });

/** Keys in order, as Go prints maps. */
const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const pairs = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(pairs.map(([key, inner]) => [key, sorted(inner)]));
};

function customColumns(spec: string, objects: readonly unknown[], noHeaders: boolean): string {
  const columns = spec.split(/,(?![^[]*\])/).map((column) => {
    const colon = column.indexOf(":");
    if (colon < 0) {
      throw new UserError(`unexpected custom-columns spec: ${column}, expected <header>:<json-path-expr>`);
    }
    return { header: column.slice(0, colon), path: column.slice(colon + 1) };
  });
  const rows = objects.map((object) =>
    columns.map(({ path }) => {
      const found = findByPath(path, object);
      return found.length === 0 ? "<none>" : found.map(showCell).join(",");
    }),
  );
  return padColumns(noHeaders ? rows : [columns.map(({ header }) => header), ...rows]);
}

/** As Go prints maps and slices in a column. */
const showCell = (value: unknown): string => {
  if (value === null || value === undefined) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(showCell).join(" ")}]`;
  if (typeof value === "object") {
    const pairs = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `map[${pairs.map(([key, inner]) => `${key}:${showCell(inner)}`).join(" ")}]`;
  }
  return String(value as string | number | boolean);
};

function withoutManagedFields(object: unknown): unknown {
  if (typeof object !== "object" || object === null) return object;
  const { items, metadata } = object as { items?: unknown[]; metadata?: Record<string, unknown> };
  if (Array.isArray(items)) return { ...object, items: items.map(withoutManagedFields) };
  if (!metadata?.managedFields) return object;
  const { managedFields: _, ...rest } = metadata;
  return { ...object, metadata: rest };
}
