import type { DeepReadonly, KubeObject } from "../machinery/api/meta-v1.js";
import { objectKey } from "../machinery/api/resource.js";
import type { Informer } from "../machinery/client/informer.js";

/**
 * What this controller put into the objects it wrote last, while they are still as written. Comparing with it costs less
 * than comparing with what came back over the wire, because unchanged parts are the same objects.
 */
export class LastWritten<V> {
  readonly #values = new Map<string, { resourceVersion: string; value: V }>();

  /** `onForeign` hears of every change but those that were remembered: to look again at one's own write finds nothing. */
  constructor(informer: Informer<KubeObject>, onForeign: (object: DeepReadonly<KubeObject>) => void) {
    informer.onChange({
      added: (object) => {
        if (!this.of(object)) onForeign(object);
      },
      updated: (old, object) => {
        if (this.of(object)) return;
        onForeign(old);
        onForeign(object);
      },
      deleted: (object) => {
        this.#values.delete(objectKey(object));
        onForeign(object);
      },
    });
  }

  remember(stored: KubeObject, value: V): void {
    this.#values.set(objectKey(stored), { resourceVersion: stored.metadata.resourceVersion, value });
  }

  /** Undefined when somebody else has written since. */
  of(object: DeepReadonly<KubeObject>): V | undefined {
    const known = this.#values.get(objectKey(object));
    return known?.resourceVersion === object.metadata.resourceVersion ? known.value : undefined;
  }
}
