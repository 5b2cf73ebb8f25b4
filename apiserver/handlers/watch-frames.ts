import type { KubeObject, WatchEventType } from "../../machinery/api/meta-v1.js";
import type { Status } from "../../machinery/api/status.js";
import type { StoreCore } from "../registry/store-core.js";
import type { ObjectChange } from "../registry/watch-objects.js";
import type { KeyValue, Revision, StorageEvent } from "../storage/storage.js";
import type { Representation } from "./media-type.js";
import { type IncludeObject, partialObjectMetadata, tableBytes, tableMetadata } from "./table.js";

/** How one watch wants its events. */
export interface FrameForm {
  as: Representation["as"];
  include: IncludeObject;
}

const frame = (type: WatchEventType, object: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.from(`{"type":"${type}","object":`), object, END]);
const END = Buffer.from("}\n");

/** Frames of each storage event, by how they look. Shared by every watch of the server, and dropped with the event. */
const encoded = new WeakMap<StorageEvent, Map<string, Uint8Array>>();

/** Turns changes into the lines of a watch. An event is encoded once, however many watchers it has. */
export class WatchFrames<T extends KubeObject> {
  readonly #core: StoreCore<T>;
  readonly #form: FrameForm;
  readonly #formKey: string;
  #columnsSent = false;

  constructor(core: StoreCore<T>, form: FrameForm) {
    this.#core = core;
    this.#form = form;
    this.#formKey = `${core.resource.descriptor.apiVersion} ${form.as} ${form.include}`;
  }

  /** Of what comes after frames that are made later than these, and hold the columns. */
  following(): WatchFrames<T> {
    const frames = new WatchFrames(this.#core, this.#form);
    frames.#columnsSent = true;
    return frames;
  }

  ofChange(change: ObjectChange): Uint8Array {
    const withColumns = this.#form.as === "table" && !this.#columnsSent;
    if (withColumns) return this.#encode(change.type, this.#shown(change));
    const key = `${change.type} ${this.#formKey}`;
    let frames = encoded.get(change.event);
    if (!frames) {
      frames = new Map();
      encoded.set(change.event, frames);
    }
    let made = frames.get(key);
    if (!made) {
      made = this.#encode(change.type, this.#shown(change));
      frames.set(key, made);
    }
    return made;
  }

  /** An object that was there before the watch began. */
  added(item: KeyValue): Uint8Array {
    return this.#encode("ADDED", { item });
  }

  bookmark(revision: Revision, initialEventsEnd: boolean): Uint8Array {
    const { kind, apiVersion } = this.#core.resource.descriptor;
    const metadata = {
      resourceVersion: String(revision),
      ...(initialEventsEnd ? { annotations: { "k8s.io/initial-events-end": "true" } } : {}),
    };
    const text = JSON.stringify({ kind, apiVersion, metadata });
    if (this.#form.as !== "table") return frame("BOOKMARK", Buffer.from(text));
    const rows =
      this.#form.include === "None"
        ? ""
        : `{"cells":[],"object":{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":${JSON.stringify(metadata)}}}`;
    return frame(
      "BOOKMARK",
      Buffer.from(
        `{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{"resourceVersion":"${revision}"},"columnDefinitions":null,"rows":[${rows}]}`,
      ),
    );
  }

  /** An object that leaves the selection is shown as it last matched, with the revision of the change. */
  #shown({ item, revision }: ObjectChange): { item: KeyValue } | { object: T } {
    if (item.revision === revision) return { item };
    const object = this.#core.copyOf(item);
    object.metadata.resourceVersion = String(revision);
    return { object };
  }

  #encode(type: WatchEventType, shown: { item: KeyValue } | { object: T }): Uint8Array {
    if (this.#form.as === "object")
      return frame(
        type,
        "item" in shown ? this.#core.bytes(shown.item) : Buffer.from(JSON.stringify(shown.object)),
      );
    const object = "item" in shown ? this.#core.view.object(shown.item) : shown.object;
    if (this.#form.as !== "table") return frame(type, Buffer.from(partialObjectMetadata(object)));
    const withColumns = !this.#columnsSent;
    this.#columnsSent = true;
    const table = tableBytes(this.#core.resource, [object], {
      include: this.#form.include,
      nowMs: this.#core.dependencies.clock.nowMs(),
      withColumns,
      metadata: tableMetadata(object.metadata),
    });
    return frame(type, table.subarray(0, table.length - 1));
  }
}

export const errorFrame = (status: Status): Uint8Array => frame("ERROR", Buffer.from(JSON.stringify(status)));
