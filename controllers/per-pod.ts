import type { CachedPod } from "./pod-state.js";

/**
 * Values computed once per pod object and context. A service with a thousand pods is looked at again for each change of
 * one of them, so what did not change must cost next to nothing.
 */
export class PerPod<V> {
  readonly #values = new WeakMap<object, { contexts: readonly unknown[]; value: V }>();

  /** `contexts` are the other objects that the value depends on, compared by identity. */
  get(pod: CachedPod, contexts: readonly unknown[], compute: () => V): V {
    const known = this.#values.get(pod);
    if (known && contexts.every((context, i) => context === known.contexts[i])) return known.value;
    const value = compute();
    this.#values.set(pod, { contexts, value });
    return value;
  }
}
