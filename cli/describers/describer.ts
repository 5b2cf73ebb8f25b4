import type { Event } from "../../machinery/api/core-v1.js";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import { ageSince } from "../../machinery/api/human-duration.js";
import type { RestClient } from "../../machinery/client/rest-client.js";

/** What a describer may look up beside the object itself. */
export interface DescribeContext {
  client: RestClient;
  nowMs: number;
}

/** Lines with tabs between columns; `alignTabs` lays them out. Upstream: kubectl pkg/describe/describe.go. */
export interface Describer<T extends KubeObject = KubeObject> {
  describe(object: T, context: DescribeContext): Promise<string[]> | string[];
}

/** `a=1` first on the line of the title, the others below it. */
export function mapLines(
  title: string,
  map: Readonly<Record<string, string>> | undefined,
  separator = "=",
): string[] {
  const pairs = Object.entries(map ?? {})
    .filter(([key]) => key !== LAST_APPLIED)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}${separator}${value}`);
  if (pairs.length === 0) return [`${title}:\t<none>`];
  return pairs.map((pair, i) => (i === 0 ? `${title}:\t${pair}` : `\t${pair}`));
}

const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

export const annotationLines = (object: KubeObject): string[] =>
  mapLines("Annotations", object.metadata.annotations, ": ");

export const selectorText = (selector: Readonly<Record<string, string>> | undefined): string =>
  Object.entries(selector ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`)
    .join(",") || "<none>";

/** `Mon, 02 Jan 2006 15:04:05 +0000`. */
export function timeText(timestamp: string | null | undefined): string {
  if (!timestamp) return "<unset>";
  return new Date(timestamp).toUTCString().replace("GMT", "+0000");
}

/** The table of an object's events, oldest first. */
export function eventLines(events: readonly Event[], nowMs: number): string[] {
  if (events.length === 0) return ["Events:\t<none>"];
  const when = (event: Event): string => event.lastTimestamp ?? event.eventTime ?? event.firstTimestamp ?? "";
  const rows = [...events]
    .sort((a, b) => (when(a) < when(b) ? -1 : 1))
    .map((event) => {
      const last = ageSince(when(event), nowMs);
      const first = ageSince(event.firstTimestamp ?? event.eventTime, nowMs);
      const age = (event.count ?? 1) > 1 ? `${last} (x${event.count} over ${first})` : first;
      const from = event.source?.component || event.reportingComponent || "";
      return `  ${event.type}\t${event.reason}\t${age}\t${from}\t${(event.message ?? "").trim()}`;
    });
  return ["Events:", "  Type\tReason\tAge\tFrom\tMessage", "  ----\t------\t----\t----\t-------", ...rows];
}
