import { ageSince } from "../../../machinery/api/human-duration.js";
import type { Event } from "../../../machinery/api/core-v1.js";
import { nameColumn, textColumn, UNKNOWN, wide } from "../printing.js";
import type { TableCell, TableColumn } from "../serve.js";

// Upstream: pkg/printers/internalversion printEvent.

export const eventColumns: readonly TableColumn[] = [
  textColumn("Last Seen", "The time at which the most recent occurrence of this event was recorded."),
  textColumn("Type", "Type of this event (Normal, Warning), new types could be added in the future"),
  textColumn(
    "Reason",
    "This should be a short, machine understandable string that gives the reason for the transition into the object's current status.",
  ),
  textColumn("Object", "The object that this event is about."),
  wide(textColumn("Subobject", "The part of the object that this event is about.")),
  wide(
    textColumn(
      "Source",
      "The component reporting this event. Should be a short machine understandable string.",
    ),
  ),
  textColumn("Message", "A human-readable description of the status of this operation."),
  wide(
    textColumn(
      "First Seen",
      "The time at which the event was first recorded. (Time of server receipt is in TypeMeta.)",
    ),
  ),
  wide(textColumn("Count", "The number of times this event has occurred.")),
  wide(nameColumn),
];

export function eventRow(event: Event, nowMs: number): TableCell[] {
  const first = age(event.firstTimestamp || event.eventTime, nowMs);
  const last = event.series
    ? age(event.series.lastObservedTime, nowMs)
    : event.lastTimestamp
      ? age(event.lastTimestamp, nowMs)
      : first;
  return [
    last,
    event.type ?? "",
    event.reason ?? "",
    objectOf(event),
    event.involvedObject.fieldPath ?? "",
    sourceOf(event),
    (event.message ?? "").trim(),
    first,
    event.series?.count ?? (event.count || 1),
    event.metadata.name,
  ];
}

const age = (timestamp: string | null | undefined, nowMs: number): string =>
  timestamp ? ageSince(timestamp, nowMs) : UNKNOWN;

function objectOf({ involvedObject: { kind = "", name } }: Event): string {
  return name ? `${kind.toLowerCase()}/${name}` : kind.toLowerCase();
}

function sourceOf({ source, reportingComponent, reportingInstance }: Event): string {
  const component = source?.component || reportingComponent;
  const host = source?.host || reportingInstance;
  return host ? `${component}, ${host}` : component;
}
