import type { KubeObject } from "../../machinery/api/meta-v1.js";
import type { Encode, KeyValue } from "../storage/storage.js";

/**
 * Prints an object once, all but its resourceVersion, which the store knows only inside the transaction. The keys come
 * in Kubernetes' own order: kind, apiVersion, metadata, the rest.
 */
export function encoder(object: KubeObject): Encode {
  const { kind, apiVersion, metadata, ...rest } = object;
  const { name, generateName, namespace, uid, resourceVersion: _, ...others } = metadata;
  const identity = JSON.stringify({ name, generateName, namespace, uid }).slice(1, -1);
  const head = `{"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)},"metadata":{${identity},"resourceVersion":"`;
  const metadataTail = JSON.stringify(others).slice(1);
  const restTail = JSON.stringify(rest).slice(1);
  const tail = `"${metadataTail === "}" ? "}" : `,${metadataTail}`}${restTail === "}" ? "}" : `,${restTail}`}`;
  return (revision) => Buffer.from(head + revision + tail);
}

export const toBytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
export const fromBytes = (bytes: Uint8Array): unknown =>
  JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"));

/** One shared, read-only result per stored value, made when first asked for and dropped with the value. */
export class Memo<T extends object> {
  readonly #made = new WeakMap<KeyValue, T>();
  readonly #make: (item: KeyValue) => T;

  constructor(make: (item: KeyValue) => T) {
    this.#make = make;
  }

  of(item: KeyValue): T {
    let made = this.#made.get(item);
    if (made === undefined) {
      made = this.#make(item);
      this.#made.set(item, made);
    }
    return made;
  }
}
