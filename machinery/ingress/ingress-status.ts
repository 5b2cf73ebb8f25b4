import type { Clock } from "../api/clock.js";
import type { Service } from "../api/core-v1.js";
import { deepEqual } from "../api/deep-equal.js";
import type { DeepReadonly } from "../api/meta-v1.js";
import { type Ingress, type IngressLoadBalancerIngress, ingresses } from "../api/networking-v1.js";
import { isConflict, isNotFound } from "../api/status.js";
import type { RestClient } from "../client/rest-client.js";

export interface StatusWriterOptions {
  client: RestClient;
  clock: Clock;
  served: () => DeepReadonly<Ingress>[];
  /** Where clients reach the controller now. */
  addresses: () => IngressLoadBalancerIngress[];
  log: (level: "I" | "W" | "E", source: string, text: string) => void;
}

const PERIOD_MS = 60_000;
const CONFLICT_PAUSE_MS = 100;

/** While it leads, writes the controller's addresses into the status of the Ingresses that it serves. */
export class StatusWriter {
  readonly #options: StatusWriterOptions;
  #wake: (() => void) | undefined;
  #isDue = false;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
  }

  /** Something that the status says may have changed. */
  changed(): void {
    this.#isDue = true;
    this.#wake?.();
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#isDue = false;
      await this.sync(this.#options.addresses(), signal);
      if (!this.#isDue) await this.#wait(signal);
    }
  }

  async sync(addresses: IngressLoadBalancerIngress[], signal: AbortSignal): Promise<void> {
    for (const ingress of this.#options.served()) {
      if (signal.aborted) return;
      const now = ingress.status?.loadBalancer?.ingress ?? [];
      if (!deepEqual(now, addresses)) await this.#write(ingress, addresses, signal);
    }
  }

  async #write(
    ingress: DeepReadonly<Ingress>,
    addresses: IngressLoadBalancerIngress[],
    signal: AbortSignal,
  ): Promise<void> {
    const { client, clock, log } = this.#options;
    const { namespace, name } = ingress.metadata;
    const before = JSON.stringify(ingress.status?.loadBalancer?.ingress ?? null);
    log(
      "I",
      "status.go:304",
      `"updating Ingress status" namespace="${namespace}" ingress="${name}" currentValue=${before} newValue=${JSON.stringify(addresses)}`,
    );
    const wanted = {
      ...(ingress as Ingress),
      status: { loadBalancer: addresses.length > 0 ? { ingress: addresses } : {} },
    };
    try {
      await client.update(ingresses, wanted, { subresource: "status", signal });
    } catch (err) {
      if (signal.aborted || isNotFound(err)) return;
      if (isConflict(err)) {
        // Someone else wrote first; the watch brings the newer object.
        this.#isDue = true;
        await clock.sleep(CONFLICT_PAUSE_MS, signal).catch(() => {});
      }
      log("W", "status.go:309", `Error updating ingress rule: ${(err as Error).message}`);
    }
  }

  async #wait(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    await new Promise<void>((resolve) => {
      const timer = clock.setTimer(PERIOD_MS, () => done());
      const done = (): void => {
        timer.cancel();
        signal.removeEventListener("abort", done);
        this.#wake = undefined;
        resolve();
      };
      this.#wake = done;
      signal.addEventListener("abort", done, { once: true });
    });
  }
}

/** As ingress-nginx reads `--publish-service`. */
export function addressesOfService(service: DeepReadonly<Service> | undefined): IngressLoadBalancerIngress[] {
  if (!service) return [];
  const { spec, status } = service;
  const external = (spec.externalIPs ?? []).map((ip) => ({ ip }));
  switch (spec.type) {
    case "LoadBalancer": {
      const given = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ({
        ...(ip ? { ip } : {}),
        ...(hostname ? { hostname } : {}),
      }));
      return [...given, ...external];
    }
    case "ExternalName":
      return spec.externalName ? [{ hostname: spec.externalName }] : [];
    case "NodePort":
      return external.length > 0 ? external : clusterAddress(service);
    case "ClusterIP":
      return clusterAddress(service);
  }
}

const clusterAddress = ({ spec }: DeepReadonly<Service>): IngressLoadBalancerIngress[] =>
  spec.clusterIP && spec.clusterIP !== "None" ? [{ ip: spec.clusterIP }] : [];
