import { type Event, events } from "../../../machinery/api/core-v1.js";
import { type EventV1, eventsV1 } from "../../../machinery/api/events-v1.js";

// Upstream: pkg/apis/events/v1/conversion.go.

export function toEventV1(event: Event): EventV1 {
  const { involvedObject, message, source, firstTimestamp, lastTimestamp, count } = event;
  return defined({
    apiVersion: eventsV1.apiVersion,
    kind: eventsV1.kind,
    metadata: event.metadata,
    eventTime: event.eventTime ?? null,
    series: event.series,
    reportingController: event.reportingComponent || undefined,
    reportingInstance: event.reportingInstance || undefined,
    action: event.action,
    reason: event.reason,
    regarding: involvedObject,
    related: event.related,
    note: message,
    type: event.type,
    deprecatedSource: source,
    deprecatedFirstTimestamp: firstTimestamp ?? null,
    deprecatedLastTimestamp: lastTimestamp ?? null,
    deprecatedCount: count,
  });
}

export function toEvent(event: EventV1): Event {
  return defined({
    apiVersion: events.apiVersion,
    kind: events.kind,
    metadata: event.metadata,
    involvedObject: event.regarding ?? {},
    reason: event.reason,
    message: event.note,
    source: event.deprecatedSource ?? {},
    firstTimestamp: event.deprecatedFirstTimestamp ?? null,
    lastTimestamp: event.deprecatedLastTimestamp ?? null,
    count: event.deprecatedCount,
    type: event.type,
    eventTime: event.eventTime ?? null,
    series: event.series,
    action: event.action,
    related: event.related,
    reportingComponent: event.reportingController ?? "",
    reportingInstance: event.reportingInstance ?? "",
  });
}

type Loose<T> = { [K in keyof T]: T[K] | undefined };

/** Without the keys whose value is undefined. */
const defined = <T extends object>(value: Loose<T>): T =>
  Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as T;
