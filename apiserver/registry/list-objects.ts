import type { KubeObject } from "../../machinery/api/meta-v1.js";
import { newExpired, StatusError } from "../../machinery/api/status.js";
import type { KeyValue, ListOutcome, Revision } from "../storage/storage.js";
import type { Selection } from "./selection.js";
import type { StoreCore } from "./store-core.js";

export interface PageOptions {
  /** As of this revision; default now. */
  revision?: Revision;
  /** Only keys after this one. */
  after?: string;
  limit?: number;
}

export interface ListPage {
  items: readonly KeyValue[];
  revision: Revision;
  /** Set when there is more: the key after which the next page starts. */
  next?: string;
  /** Known only without selectors. */
  remaining?: number;
}

/** Thrown when the revision asked for is compacted, so that the caller words the 410. */
export class Compacted extends Error {
  override readonly name = "Compacted";
  readonly compactedRevision: Revision;
  constructor(compactedRevision: Revision) {
    super("compacted");
    this.compactedRevision = compactedRevision;
  }
}

export function listObjects<T extends KubeObject>(
  core: StoreCore<T>,
  selection: Selection,
  page: PageOptions,
): ListPage {
  const matches = core.view.matcher(selection);
  const name = core.view.pinnedName(selection);
  if (name && page.revision === undefined && (selection.namespace || !core.resource.descriptor.namespaced))
    return listOne(core, { namespace: selection.namespace, name }, matches);
  const prefix = core.prefix(selection.namespace);
  if (!matches) return listAll(core, prefix, page);
  return listMatching(core, prefix, page, matches);
}

/** `metadata.name=x` in one namespace, what kubectl asks for when it waits for an object. */
function listOne<T extends KubeObject>(
  core: StoreCore<T>,
  at: { namespace?: string | undefined; name: string },
  matches: ((item: KeyValue) => boolean) | undefined,
): ListPage {
  const item = core.item(at);
  return { items: item && (!matches || matches(item)) ? [item] : [], revision: core.storage.revision };
}

function listAll<T extends KubeObject>(core: StoreCore<T>, prefix: string, page: PageOptions): ListPage {
  const { items, revision, remaining } = listed(core.storage.list(prefix, page), page.revision);
  const last = items.at(-1);
  return remaining > 0 && last ? { items, revision, next: last.key, remaining } : { items, revision };
}

/** Reads on until the page is full of matching items. */
function listMatching<T extends KubeObject>(
  core: StoreCore<T>,
  prefix: string,
  page: PageOptions,
  matches: (item: KeyValue) => boolean,
): ListPage {
  const { limit = Number.POSITIVE_INFINITY } = page;
  const chunk = Number.isFinite(limit) ? { limit: Math.max(limit, 500) } : {};
  const found: KeyValue[] = [];
  let { after, revision } = page;
  for (;;) {
    const part = listed(
      core.storage.list(prefix, {
        ...chunk,
        ...(after === undefined ? {} : { after }),
        ...(revision === undefined ? {} : { revision }),
      }),
      revision,
    );
    revision = part.revision;
    for (const [i, item] of part.items.entries()) {
      if (!matches(item)) continue;
      found.push(item);
      if (found.length < limit) continue;
      const more = part.remaining > 0 || i < part.items.length - 1;
      return more ? { items: found, revision, next: item.key } : { items: found, revision };
    }
    if (part.remaining === 0) return { items: found, revision };
    after = part.items.at(-1)?.key ?? after;
  }
}

function listed(outcome: ListOutcome, asked?: Revision): Extract<ListOutcome, { kind: "listed" }> {
  switch (outcome.kind) {
    case "listed":
      return outcome;
    case "compacted":
      throw new Compacted(outcome.compactedRevision);
    case "future":
      throw newTooLargeResourceVersion(asked ?? outcome.revision, outcome.revision);
  }
}

/** storage.NewTooLargeResourceVersionError. */
export const newTooLargeResourceVersion = (asked: Revision, current: Revision): StatusError =>
  new StatusError({
    code: 504,
    reason: "Timeout",
    message: `Timeout: Too large resource version: ${asked}, current: ${current}`,
    details: {
      causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
      retryAfterSeconds: 1,
    },
  });

export const newListExpired = (): StatusError =>
  newExpired("The resourceVersion for the provided list is too old.");
