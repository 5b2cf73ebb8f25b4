import { type Event, events } from "../../../machinery/api/core-v1.js";
import { type EventV1, eventsV1 } from "../../../machinery/api/events-v1.js";
import type { KubeObject } from "../../../machinery/api/meta-v1.js";
import { serve } from "../serve.js";
import { eventColumns, eventRow } from "./columns.js";
import { toEvent, toEventV1 } from "./conversion.js";
import { validateEvent } from "./validate.js";

/** The server writes these even when they are empty. */
function defaultEvent(event: Event): void {
  event.involvedObject ??= {};
  event.source ??= {};
  event.firstTimestamp ??= null;
  event.lastTimestamp ??= null;
  event.eventTime ??= null;
  event.reportingComponent ??= "";
  event.reportingInstance ??= "";
}

const REFERENCE = ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"] as const;

const fieldsUnder =
  (reference: string, controller: string) =>
  (event: Event): Record<string, string> => ({
    ...Object.fromEntries(
      REFERENCE.map((name) => [`${reference}.${name}`, event.involvedObject[name] ?? ""]),
    ),
    reason: event.reason ?? "",
    [controller]: event.reportingComponent,
    source: event.source?.component || event.reportingComponent,
    type: event.type ?? "",
  });
const selectable = (reference: string, controller: string): string[] => [
  ...REFERENCE.map((name) => `${reference}.${name}`),
  "reason",
  controller,
  "source",
  "type",
];

export const eventResource = serve<Event>(events, {
  strategy: {
    defaults: defaultEvent,
    validate: validateEvent,
    validateUpdate: (event) => validateEvent(event),
    allowCreateOnUpdate: true,
  },
  columns: eventColumns,
  row: eventRow,
  selectableFields: selectable("involvedObject", "reportingComponent"),
  fieldsOf: fieldsUnder("involvedObject", "reportingComponent"),
});

const fieldsOfStored = fieldsUnder("regarding", "reportingController");

/** The same stored Events in the newer spelling. */
export const eventV1Resource = serve<EventV1>(eventsV1, {
  strategy: {
    validate: (event) => validateEvent(toEvent(event)),
    validateUpdate: (event) => validateEvent(toEvent(event)),
    allowCreateOnUpdate: true,
  },
  columns: eventColumns,
  row: (event, nowMs) => eventRow(toEvent(event), nowMs),
  selectableFields: selectable("regarding", "reportingController"),
  fieldsOf: (event) => fieldsOfStored(toEvent(event)),
  storedAs: {
    descriptor: events,
    toStored(event) {
      const stored = toEvent(event);
      defaultEvent(stored);
      return stored;
    },
    fromStored: (stored: KubeObject) => toEventV1(stored as Event),
  },
});
