import { type Pod, pods } from "../../machinery/api/core-v1.js";
import type { KubeObject, LabelSelector } from "../../machinery/api/meta-v1.js";
import { UserError } from "../supervisor/cluster.js";
import type { Session } from "./connection-flags.js";
import { parseTargets } from "./targets.js";

/**
 * Pods that `web-abc`, `pod/web-abc`, `deploy/web` or `svc/web` stand for, ready ones first, at most `limit`. Throws
 * UserError when an object has none.
 */
export async function podsBehind(session: Session, text: string, limit: number): Promise<Pod[]> {
  const [target] = text.includes("/")
    ? parseTargets([text], session.mapper)
    : parseTargets(["pods", text], session.mapper);
  if (!target?.name) throw new UserError(`no pod named by "${text}"`);
  const { descriptor } = target.resource;
  const at = { namespace: session.namespace, name: target.name };
  if (descriptor.kind === "Pod") return [await session.client.get(pods, at)];
  const object = await session.client.get(descriptor, at);
  const selector = selectorOf(object);
  if (!selector)
    throw new UserError(
      `cannot get the logs from ${descriptor.apiVersion}, Kind=${descriptor.kind}: selector is empty`,
    );
  const { items } = await session.client.list(pods, {
    namespace: session.namespace,
    labelSelector: selector,
  });
  if (items.length === 0) throw new UserError(`timed out waiting for the condition: no pods of ${text}`);
  const ready = (pod: Pod): number =>
    pod.status.conditions?.some((c) => c.type === "Ready" && c.status === "True") ? 0 : 1;
  return items.sort((a, b) => ready(a) - ready(b)).slice(0, limit);
}

/** A Service's map or a workload's selector, as the text of a label selector. */
function selectorOf(object: KubeObject): string | undefined {
  const { selector } = (object as { spec?: { selector?: unknown } }).spec ?? {};
  if (typeof selector !== "object" || selector === null) return undefined;
  const { matchLabels, matchExpressions = [] } = selector as LabelSelector;
  const isWorkload = matchLabels !== undefined || matchExpressions.length > 0;
  const labels = isWorkload ? (matchLabels ?? {}) : (selector as Record<string, string>);
  const terms = [
    ...Object.entries(labels).map(([key, value]) => `${key}=${value}`),
    ...matchExpressions.map(({ key, operator, values = [] }) => {
      if (operator === "Exists") return key;
      if (operator === "DoesNotExist") return `!${key}`;
      return `${key} ${operator === "In" ? "in" : "notin"} (${values.join(",")})`;
    }),
  ];
  return terms.length > 0 ? terms.join(",") : undefined;
}
