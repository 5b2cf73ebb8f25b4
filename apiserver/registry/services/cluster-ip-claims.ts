import { type Service, type ServiceSpec, services } from "../../../machinery/api/core-v1.js";
import { field, invalid, newInvalid } from "../../../machinery/api/field-error.js";
import { canonicalIp, type IPFamily } from "../../../machinery/api/ip-address.js";
import { newInternalError } from "../../../machinery/api/status.js";
import type { Companions } from "../../storage/storage.js";
import { AllocationError } from "../allocators/allocation-error.js";
import type { IpAllocator } from "../allocators/ip-allocator.js";
import { createdWith, deletedWith, newServiceAddress } from "../ipaddresses/allocated.js";
import type { StrategyContext } from "../serve.js";
import { setClusterIps } from "./defaults.js";
import { keepsPreferredStack } from "./families.js";
import { clusterIpsOf, isHeadless, needsClusterIp } from "./rules.js";

/** The addresses that one write takes and gives back (upstream allocClusterIPs, updateClusterIPs). */
export class ClusterIpClaims {
  readonly #allocator: IpAllocator;
  readonly #context: StrategyContext;
  readonly #taken: string[] = [];
  #released: readonly string[] = [];

  constructor(allocator: IpAllocator, context: StrategyContext) {
    this.#allocator = allocator;
    this.#context = context;
  }

  /** Throws Invalid, or InternalError when nothing is left. */
  take(service: Service, old: Service | undefined): void {
    const { spec } = service;
    if (keepsPreferredStack(spec, old?.spec)) return;
    if (!old || !needsClusterIp(old.spec)) return this.#takeAll(service, 0);
    if (isHeadless(old.spec)) return;
    if (!needsClusterIp(spec)) this.#released = clusterIpsOf(old).map(canonicalIp);
    else this.#changeStack(service, old.spec);
  }

  /** One address more, or one less; the first never changes. */
  #changeStack(service: Service, old: ServiceSpec): void {
    const before = old.ipFamilies?.length ?? 0;
    const now = service.spec.ipFamilies?.length ?? 0;
    if (before === 1 && now === 2) this.#takeAll(service, 1);
    if (before === 2 && now === 1) this.#released = (old.clusterIPs ?? []).slice(1).map(canonicalIp);
  }

  #takeAll(service: Service, from: number): void {
    const { spec } = service;
    if (!needsClusterIp(spec) || isHeadless(spec)) return;
    const ips = [...(spec.clusterIPs ?? [])];
    for (const [i, family] of (spec.ipFamilies ?? []).entries()) {
      if (i < from) continue;
      const asked = ips[i];
      ips[i] = asked ? this.#takeAsked(service, asked) : this.#takeNext(family);
    }
    setClusterIps(spec, ips);
  }

  #takeAsked(service: Service, ip: string): string {
    const { lookup, dryRun } = this.#context;
    try {
      const name = this.#allocator.allocate(ip, lookup, dryRun);
      if (!dryRun) this.#taken.push(name);
      return ip;
    } catch (err) {
      if (!(err instanceof AllocationError)) throw err;
      throw newInvalid(services, service.metadata.name, [
        invalid(
          field("spec", "clusterIPs"),
          service.spec.clusterIPs,
          `failed to allocate IP ${ip}: ${err.message}`,
        ),
      ]);
    }
  }

  #takeNext(family: IPFamily): string {
    const { rng, lookup, dryRun } = this.#context;
    try {
      const name = this.#allocator.allocateNext(family, rng, lookup, dryRun);
      if (!dryRun) this.#taken.push(name);
      return name;
    } catch (err) {
      if (!(err instanceof AllocationError)) throw err;
      throw newInternalError(`failed to allocate a serviceIP: ${err.message}`);
    }
  }

  /** The IPAddress objects that come and go with `service`. */
  companions({ metadata }: Service): Companions {
    const addresses = this.#taken.map((ip) => newServiceAddress(ip, metadata, this.#context));
    return { created: createdWith(addresses), deleted: deletedWith(this.#released) };
  }

  settle(): void {
    for (const ip of this.#taken) this.#allocator.settled(ip);
  }
}
