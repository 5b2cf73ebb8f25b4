import type { KubeObject } from "../../machinery/api/meta-v1.js";
import { isExpired, isNotFound } from "../../machinery/api/status.js";
import { TransportError } from "../../machinery/api/http.js";
import { parseDurationMs } from "../../chaos/scenario/quantities.js";
import type { CliContext } from "../command.js";
import { UserError } from "../supervisor/cluster.js";
import type { Session } from "./connection-flags.js";
import type { Selected } from "./selected.js";

/** A timeout flag in milliseconds; `0`, absent and negative mean as kubectl: wait for ever (a week). */
export function timeoutMs(text: string | undefined, initialMs: number): number {
  if (text === undefined) return initialMs;
  if (/^-?\d+$/.test(text)) return Number(text) < 0 ? WEEK_MS : Number(text) * 1000;
  const ms = parseDurationMs(text);
  if (ms === undefined)
    throw new UserError(
      `invalid argument "${text}" for "--timeout" flag: time: invalid duration "${text}"`,
      2,
    );
  return ms;
}

const WEEK_MS = 7 * 24 * 3600 * 1000;
const RETRY_MS = 100;

/**
 * Watches one object until `reached` holds of it (undefined: it is gone). Throws UserError in kubectl's words when time
 * is up.
 */
export async function watchUntil(
  session: Session,
  target: Selected,
  reached: (object: KubeObject | undefined) => boolean,
  limitMs: number,
  context: CliContext,
): Promise<KubeObject | undefined> {
  const deadline = new AbortController();
  const timer = context.clock.setTimer(limitMs, () => deadline.abort());
  const stop = (): void => deadline.abort();
  context.signal.addEventListener("abort", stop, { once: true });
  try {
    while (!deadline.signal.aborted) {
      try {
        const outcome = await watchOnce(session, target, reached, deadline.signal);
        if (outcome.done) return outcome.object;
      } catch (err) {
        if (deadline.signal.aborted) break;
        if (!(err instanceof TransportError) && !isExpired(err)) throw err;
        await context.clock.sleep(RETRY_MS);
      }
    }
    const { descriptor } = target.resource;
    throw new UserError(
      `timed out waiting for the condition on ${descriptor.plural}${descriptor.group ? `.${descriptor.group}` : ""}/${target.name}`,
    );
  } finally {
    timer.cancel();
    context.signal.removeEventListener("abort", stop);
  }
}

async function watchOnce(
  session: Session,
  target: Selected,
  reached: (object: KubeObject | undefined) => boolean,
  signal: AbortSignal,
): Promise<{ done: boolean; object: KubeObject | undefined }> {
  const { descriptor } = target.resource;
  const selection = { namespace: target.namespace, fieldSelector: `metadata.name=${target.name}` };
  const list = await session.client.list(descriptor, selection);
  const [current] = list.items;
  if (reached(current)) return { done: true, object: current };
  const { resourceVersion } = list.metadata;
  for await (const event of session.client.watch(descriptor, { ...selection, resourceVersion, signal })) {
    if (event.type === "BOOKMARK") continue;
    const object = event.type === "DELETED" ? undefined : event.object;
    if (reached(object)) return { done: true, object };
  }
  return { done: false, object: undefined };
}

/** Until the object of that uid is gone; another one under its name counts as gone. */
export async function waitUntilGone(
  session: Session,
  target: Selected,
  uid: string | undefined,
  timeout: string | undefined,
  context: CliContext,
): Promise<void> {
  const gone = (object: KubeObject | undefined): boolean =>
    object === undefined || (uid !== undefined && object.metadata.uid !== uid);
  try {
    await watchUntil(session, target, gone, timeoutMs(timeout, WEEK_MS), context);
  } catch (err) {
    if (!isNotFound(err)) throw err;
  }
}
