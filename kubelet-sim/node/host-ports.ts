import type { Clock } from "../../machinery/api/clock.js";
import { nodes } from "../../machinery/api/core-v1.js";
import type { Logger } from "../../machinery/api/logger.js";
import type { RestClient } from "../../machinery/client/rest-client.js";
import {
  formatHostPorts,
  HOST_PORTS_ANNOTATION,
  type HostPortMapping,
} from "../../machinery/network/host-ports.js";
import { Wakeup } from "../pods/wakeup.js";

export interface HostPortsOptions {
  nodeName: string;
  client: RestClient;
  clock: Clock;
  logger: Logger;
}

const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 7_000;

/**
 * The part of the CNI plugin portmap: keeps the Node's list of host ports equal to that of its sandboxes. Registration has
 * emptied it. Changes that come while a write is under way become one further write.
 */
export class HostPorts {
  readonly #options: HostPortsOptions;
  readonly #byPod = new Map<string, readonly HostPortMapping[]>();
  readonly #wakeup: Wakeup;
  #written = "[]";

  constructor(options: HostPortsOptions) {
    this.#options = options;
    this.#wakeup = new Wakeup(options.clock);
  }

  /** What a pod's sandbox maps, in place of what it mapped before. */
  set(podUid: string, mappings: readonly HostPortMapping[]): void {
    if (mappings.length === 0) return this.remove(podUid);
    this.#byPod.set(podUid, mappings);
    this.#wakeup.notify();
  }

  remove(podUid: string): void {
    if (this.#byPod.delete(podUid)) this.#wakeup.notify();
  }

  /** Writes what changed. Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const onAbort = (): void => this.#wakeup.notify();
    signal.addEventListener("abort", onAbort, { once: true });
    let retryMs: number | undefined;
    while (!signal.aborted) {
      await this.#wakeup.wait(retryMs);
      if (signal.aborted) break;
      const failed = !(await this.#write(signal));
      retryMs = failed ? Math.min((retryMs ?? FIRST_RETRY_MS / 2) * 2, LONGEST_RETRY_MS) : undefined;
    }
    signal.removeEventListener("abort", onAbort);
  }

  /** False when the server did not take it. */
  async #write(signal: AbortSignal): Promise<boolean> {
    const { client, nodeName, logger } = this.#options;
    const text = formatHostPorts([...this.#byPod.values()].flat());
    if (text === this.#written) return true;
    const value = this.#byPod.size === 0 ? null : text;
    const body = { metadata: { annotations: { [HOST_PORTS_ANNOTATION]: value } } };
    try {
      await client.patch(nodes, { name: nodeName }, { type: "strategic", body }, { signal });
      this.#written = text;
      return true;
    } catch (err) {
      if (!signal.aborted) logger.debug("Could not publish the host ports", { err });
      return false;
    }
  }
}
