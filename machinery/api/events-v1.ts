import type { ObjectReference } from "./core-v1.js";
import type { KubeObject } from "./meta-v1.js";
import { resource } from "./resource.js";

/** events.k8s.io/v1: the newer spelling of the stored core Event. */
export interface EventV1 extends KubeObject {
  eventTime: string | null;
  series?: { count: number; lastObservedTime: string };
  reportingController?: string;
  reportingInstance?: string;
  action?: string;
  reason?: string;
  regarding?: ObjectReference;
  related?: ObjectReference;
  note?: string;
  type?: string;
  deprecatedSource?: { component?: string; host?: string };
  deprecatedFirstTimestamp?: string | null;
  deprecatedLastTimestamp?: string | null;
  deprecatedCount?: number;
}
export const eventsV1 = resource<EventV1>("events.k8s.io/v1", "Event", {
  plural: "events",
  shortNames: ["ev"],
});
