import type { Timer } from "../../machinery/api/clock.js";
import type { HttpResponse } from "../../machinery/api/http.js";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import { newExpired } from "../../machinery/api/status.js";
import type { ObjectChange } from "../registry/watch-objects.js";
import type { KeyValue, Revision } from "../storage/storage.js";
import { jsonAnswer } from "./answer.js";
import type { ResourceCall } from "./call.js";
import { type ListParameters, listParameters, parseResourceVersion, selectionOf } from "./list-parameters.js";
import { JSON_TYPE, negotiate } from "./media-type.js";
import { includeObjectOf } from "./table.js";
import { errorFrame, WatchFrames } from "./watch-frames.js";
import { WatchStream } from "./watch-stream.js";

/** kube-apiserver's --min-request-timeout, and about how often it sends bookmarks. */
const SHORTEST_DEFAULT_TIMEOUT_SECONDS = 1800;
const BOOKMARK_PERIOD_MS = 60_000;

export function handleWatch<T extends KubeObject>(call: ResourceCall<T>): HttpResponse {
  const { query, resource, info, store, request } = call;
  const { as } = negotiate(request.headers["accept"], true);
  const parameters = listParameters(query, resource, true);
  const selection = selectionOf(parameters, info.namespace, resource.descriptor.namespaced);
  if (info.name !== "" && info.verb === "watch") pinName(selection, info.name);
  const frames = new WatchFrames(store.core, { as, include: includeObjectOf(query) });
  const { after, fromState } = startOf(parameters, store.core.storage.revision);
  const initial = fromState ? store.list(selection).items : [];
  const history: ObjectChange[] = [];
  let stream: WatchStream | undefined;
  let live = frames;
  const outcome = store.watch(selection, { after }, (changes) => {
    if (!stream) history.push(...changes);
    else for (const change of changes) if (!stream.push(live.ofChange(change))) return;
  });
  if (outcome.kind === "compacted")
    return jsonAnswer(200, errorFrame(tooOld(after, outcome.compactedRevision).status));
  if (initial.length + history.length > 0) live = frames.following();
  const stops = [() => outcome.stop()];
  const bookmarkAt =
    parameters.sendInitialEvents === true && parameters.allowWatchBookmarks ? after : undefined;
  stream = new WatchStream(firstFrames(frames, initial, bookmarkAt, history), () => {
    for (const stop of stops) stop();
  });
  startTimers(call, parameters, stream, stops, () =>
    frames.bookmark(Math.max(after, store.core.storage.revision), false),
  );
  endWith(call.signal, stream, stops);
  stops.push(call.services.watches.add(() => stream.end()));
  return {
    status: 200,
    headers: { "content-type": JSON_TYPE, "cache-control": "no-cache, private" },
    body: stream,
  };
}

function pinName(selection: ReturnType<typeof selectionOf>, name: string): void {
  const requirements = selection.fields?.requirements ?? [];
  selection.fields = {
    requirements: [...requirements, { field: "metadata.name", operator: "=", value: name }],
  };
}

/** Without a resourceVersion, or with "0", a watch begins with what exists, unless told not to. */
function startOf(
  { resourceVersion, sendInitialEvents }: ListParameters,
  current: Revision,
): { after: Revision; fromState: boolean } {
  const unset = resourceVersion === "" || resourceVersion === "0";
  const fromState = sendInitialEvents ?? unset;
  return { after: fromState || unset ? current : parseResourceVersion(resourceVersion), fromState };
}

const tooOld = (asked: Revision, oldest: Revision) =>
  newExpired(`too old resource version: ${asked} (${oldest})`);

/** Encoded as the watcher reads them: however much history it asks for, nothing is buffered for it. */
function* firstFrames<T extends KubeObject>(
  frames: WatchFrames<T>,
  items: readonly KeyValue[],
  bookmarkAt: Revision | undefined,
  history: readonly ObjectChange[],
): Generator<Uint8Array> {
  for (const item of items) yield frames.added(item);
  if (bookmarkAt !== undefined) yield frames.bookmark(bookmarkAt, true);
  for (const change of history) yield frames.ofChange(change);
}

function startTimers(
  { services: { clock, rng } }: ResourceCall,
  { timeoutSeconds, allowWatchBookmarks }: ListParameters,
  stream: WatchStream,
  stops: (() => void)[],
  bookmark: () => Uint8Array,
): void {
  const seconds = timeoutSeconds || SHORTEST_DEFAULT_TIMEOUT_SECONDS * (1 + rng.next());
  const timeout = clock.setTimer(seconds * 1000, () => stream.end());
  stops.push(() => timeout.cancel());
  if (!allowWatchBookmarks) return;
  let next: Timer;
  const arm = (): void => {
    next = clock.setTimer(BOOKMARK_PERIOD_MS, () => {
      if (stream.push(bookmark())) arm();
    });
  };
  arm();
  stops.push(() => next.cancel());
}

function endWith(signal: AbortSignal, stream: WatchStream, stops: (() => void)[]): void {
  const end = (): void => stream.end();
  if (signal.aborted) end();
  else {
    signal.addEventListener("abort", end, { once: true });
    stops.push(() => signal.removeEventListener("abort", end));
  }
}
