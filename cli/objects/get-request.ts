import { qualified, resourcePath } from "../../machinery/api/resource.js";
import type { FlagSpecs, Parsed } from "../flags.js";
import type { TableOptions } from "../printers/table.js";
import { connectionFlags, type Session } from "./connection-flags.js";
import type { DiscoveredResource } from "./resource-mapper.js";
import type { Target } from "./targets.js";

export const getFlags = {
  ...connectionFlags,
  "all-namespaces": { kind: "bool", short: "A", help: "List the requested object(s) across all namespaces." },
  output: { kind: "string", short: "o", help: "json, yaml, name, wide, jsonpath=…, custom-columns=…" },
  selector: { kind: "string", short: "l", help: "Label selector to filter on." },
  "field-selector": { kind: "string", help: "Field selector to filter on." },
  watch: { kind: "bool", short: "w", help: "After listing the requested object, watch for changes." },
  "watch-only": { kind: "bool", help: "Watch for changes without listing first." },
  "no-headers": { kind: "bool", help: "Don't print headers." },
  "show-labels": { kind: "bool", help: "Show all labels as the last column." },
  "label-columns": { kind: "list", short: "L", help: "Labels to show as columns." },
  "ignore-not-found": { kind: "bool", help: "Treat a missing object as an empty answer." },
} as const satisfies FlagSpecs;

export type GetFlags = Parsed<typeof getFlags>["flags"];

export const tableOptions = (
  resource: DiscoveredResource,
  options: GetFlags,
  namesKind: boolean,
): TableOptions => ({
  wide: options.output === "wide",
  withNamespace: options["all-namespaces"] && resource.descriptor.namespaced,
  noHeaders: options["no-headers"],
  showLabels: options["show-labels"],
  labelColumns: options["label-columns"].flatMap((list) => list.split(",")),
  ...(namesKind ? { namePrefix: kindName(resource) } : {}),
});

export const kindName = ({ descriptor }: DiscoveredResource): string =>
  qualified({ group: descriptor.group, resource: descriptor.singular });

const namespaceOf = (
  session: Session,
  resource: DiscoveredResource,
  options: GetFlags,
): string | undefined =>
  resource.descriptor.namespaced && !options["all-namespaces"] ? session.namespace : undefined;

export function pathOf(
  session: Session,
  target: Target,
  options: GetFlags,
  extra: Record<string, string> = {},
): string {
  const { descriptor } = target.resource;
  const namespace = namespaceOf(session, target.resource, options);
  const path = resourcePath(descriptor, {
    ...(namespace ? { namespace } : {}),
    ...(target.name ? { name: target.name } : {}),
  });
  const query = new URLSearchParams({
    ...(options.selector ? { labelSelector: options.selector } : {}),
    ...(options["field-selector"] ? { fieldSelector: options["field-selector"] } : {}),
    ...extra,
  });
  return query.size > 0 ? `${path}?${query.toString()}` : path;
}

export const TABLE_ACCEPT = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
