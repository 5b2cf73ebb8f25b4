import type { Clock } from "../machinery/api/clock.js";
import { services } from "../machinery/api/core-v1.js";
import { endpointSlices } from "../machinery/api/discovery-v1.js";
import type { Logger } from "../machinery/api/logger.js";
import type { KubeObject } from "../machinery/api/meta-v1.js";
import type { ResourceDescriptor } from "../machinery/api/resource.js";
import type { Rng } from "../machinery/api/rng.js";
import { Reflector, type Selection } from "../machinery/client/reflector.js";
import type { RestClient } from "../machinery/client/rest-client.js";
import type { LoggedChange } from "./change-log.js";

export interface NodeWatchesOptions {
  /** As whom a node's proxy asks the API server. */
  clientFor: (node: string) => RestClient;
  selection: Selection;
  clock: Clock;
  rng: Rng;
  logger: Logger;
  /** A node's watches have the whole state for the first time. */
  onReady: (node: string, hasHeard: (change: LoggedChange) => boolean) => void;
  onProgress: () => void;
}

/** A cluster that starts has other things to do first. */
const START_AFTER_MS = 1000;

interface NodeWatch {
  stop: AbortController;
  running: Promise<unknown>;
}

/**
 * Real watches of Services and EndpointSlices, two for each node. They carry no objects here: the shared stream has those
 * decoded already. They tell how far a node has heard, so that its table waits for its own watches.
 */
export class NodeWatches {
  readonly #options: NodeWatchesOptions;
  readonly #watches = new Map<string, NodeWatch>();

  constructor(options: NodeWatchesOptions) {
    this.#options = options;
  }

  /** Nodes that have watches. */
  get count(): number {
    return this.#watches.size;
  }

  /** Watches for these nodes and no others. Answers those whose watches have ended. */
  follow(nodes: ReadonlySet<string>): string[] {
    const ended = [...this.#watches.keys()].filter((node) => !nodes.has(node));
    for (const node of ended) {
      this.#watches.get(node)?.stop.abort();
      this.#watches.delete(node);
    }
    for (const node of nodes) if (!this.#watches.has(node)) this.#watches.set(node, this.#start(node));
    return ended;
  }

  /** Resolves when every watch has ended. */
  async close(): Promise<void> {
    const running = [...this.#watches.values()];
    this.follow(new Set());
    await Promise.all(running.map((watch) => watch.running));
  }

  #start(node: string): NodeWatch {
    const stop = new AbortController();
    const reflectors: Reflector<KubeObject>[] = [];
    let lists = 0;
    const onList = (): void => {
      lists += 1;
      // The version of a list is known once the list was taken.
      if (lists === 2) queueMicrotask(() => this.#options.onReady(node, hasHeard));
    };
    const slicesOf = this.#reflector(node, endpointSlices, onList);
    const servicesOf = this.#reflector(node, services, onList);
    reflectors.push(slicesOf, servicesOf);
    const hasHeard = ({ change, resourceVersion }: LoggedChange): boolean => {
      const position = (change.kind === "slice" ? slicesOf : servicesOf).resourceVersion;
      return position !== undefined && Number(position) >= resourceVersion;
    };
    const run = async (): Promise<void> => {
      await this.#options.clock.sleep(START_AFTER_MS, stop.signal).catch(() => {});
      await Promise.all(reflectors.map((reflector) => reflector.run(stop.signal)));
    };
    return { stop, running: run() };
  }

  #reflector<T extends KubeObject>(
    node: string,
    descriptor: ResourceDescriptor<T>,
    onList: () => void,
  ): Reflector<T> {
    const { clientFor, selection, clock, rng, logger, onProgress } = this.#options;
    return new Reflector<T>({
      client: clientFor(node),
      descriptor,
      selection,
      clock,
      rng: rng.fork(`${node}/${descriptor.plural}`),
      logger: logger.child({ node }),
      sink: {
        replace: () => {
          onList();
          onProgress();
        },
        upsert: onProgress,
        remove: onProgress,
      },
    });
  }
}
