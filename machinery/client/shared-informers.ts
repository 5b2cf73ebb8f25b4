import { whenAborted } from "../api/when-aborted.js";
import type { Clock } from "../api/clock.js";
import type { Logger } from "../api/logger.js";
import type { KubeObject } from "../api/meta-v1.js";
import type { ResourceDescriptor } from "../api/resource.js";
import type { Rng } from "../api/rng.js";
import { Informer } from "./informer.js";
import type { Selection } from "./reflector.js";
import type { RestClient } from "./rest-client.js";

/** One informer, so one watch, for each resource and selection, however many ask for it. */
export class SharedInformers {
  readonly #options: { client: RestClient; clock: Clock; rng: Rng; logger: Logger };
  readonly #informers = new Map<string, Informer<KubeObject>>();
  readonly #running: Promise<void>[] = [];
  #signal: AbortSignal | undefined;

  constructor(options: { client: RestClient; clock: Clock; rng: Rng; logger: Logger }) {
    this.#options = options;
  }

  /** Informers asked for while running start at once. */
  for<T extends KubeObject>(descriptor: ResourceDescriptor<T>, selection: Selection = {}): Informer<T> {
    const id = JSON.stringify([
      descriptor.apiVersion,
      descriptor.plural,
      selection.namespace ?? "",
      selection.labelSelector ?? "",
      selection.fieldSelector ?? "",
    ]);
    const known = this.#informers.get(id);
    if (known) return known as unknown as Informer<T>;
    const informer = new Informer<T>({
      ...this.#options,
      rng: this.#options.rng.fork(`informer/${id}`),
      descriptor,
      selection,
    });
    this.#informers.set(id, informer as unknown as Informer<KubeObject>);
    if (this.#signal) this.#running.push(informer.run(this.#signal));
    return informer;
  }

  all(): Informer<KubeObject>[] {
    return [...this.#informers.values()];
  }

  /** Resolves once every informer asked for so far has its first full list; rejects when the signal aborts. */
  async waitForSync(signal: AbortSignal): Promise<void> {
    await untilAborted(Promise.all(this.all().map((informer) => informer.synced)), signal);
  }

  /** Resolves when the signal has aborted and every informer has stopped. */
  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    for (const informer of this.#informers.values()) this.#running.push(informer.run(signal));
    await whenAborted(signal);
    await Promise.all(this.#running);
  }
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
