import type { CachedPod } from "./pod-state.js";

interface Known<V> {
  context: unknown;
  value: V;
}

/**
 * Values computed once per service and pod object. A service with a thousand pods is looked at again for each change of
 * one of them, so what did not change must cost next to nothing.
 */
export class PerPod<V> {
  readonly #scopes = new WeakMap<object, WeakMap<object, Known<V>>>();

  /** `scope` and `context` are the other objects that the value depends on, compared by identity. */
  get(pod: CachedPod, scope: object, context: unknown, compute: () => V): V {
    let values = this.#scopes.get(scope);
    if (!values) {
      values = new WeakMap();
      this.#scopes.set(scope, values);
    }
    const known = values.get(pod);
    if (known && known.context === context) return known.value;
    const value = compute();
    values.set(pod, { context, value });
    return value;
  }
}
