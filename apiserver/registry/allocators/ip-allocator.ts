import {
  formatIp,
  hasServiceAddress,
  type IPFamily,
  type IpPrefix,
  readIp,
  readPrefix,
} from "../../../machinery/api/ip-address.js";
import { ipAddresses, type ServiceCIDR, serviceCIDRs } from "../../../machinery/api/networking-v1.js";
import type { Rng } from "../../../machinery/api/rng.js";
import type { Lookup } from "../serve.js";
import { isReady } from "../servicecidrs/readiness.js";
import { AllocationError } from "./allocation-error.js";
import { IpRange } from "./ip-range.js";

/** Of the range of a cluster, written by the server itself. */
export const DEFAULT_SERVICE_CIDR = "kubernetes";

/**
 * Gives out the addresses of all ServiceCIDRs (KEP-1880). What is taken is what has an IPAddress; beside that only claims of
 * writes that are still under way are remembered, so a claim costs the same however many addresses are taken.
 */
export class IpAllocator {
  /** What `--service-cluster-ip-range` said; stands for the default ServiceCIDR until that exists. */
  readonly #configured: readonly IpRange[];
  readonly #claimed = new Set<string>();
  readonly #rangesOf = new WeakMap<ServiceCIDR, readonly IpRange[]>();

  constructor(cidrs: readonly string[]) {
    this.#configured = cidrs.flatMap(toRange);
  }

  /** Families in the order in which the ranges name them: the first is the cluster's own. */
  get families(): readonly IPFamily[] {
    return this.#configured.map(({ prefix }) => prefix.family);
  }

  /** Throws AllocationError. A dry run looks at one range only and takes nothing, as upstream's does. */
  allocate(ip: string, lookup: Lookup, dryRun: boolean): string {
    const address = readIp(ip);
    if (!address) throw new AllocationError(`invalid IP address: ${ip}`);
    const name = formatIp(address);
    const ranges = this.#ready(lookup, address.family);
    if (dryRun) {
      const [range] = ranges;
      if (!range?.includes(address)) throw newNotInRange(name, String(range));
      return name;
    }
    if (!ranges.some(({ prefix }) => hasServiceAddress(prefix, address)))
      throw new AllocationError("the provided network does not match the current range");
    if (this.#isTaken(name, lookup)) throw new AllocationError("provided IP is already allocated");
    this.#claimed.add(name);
    return name;
  }

  /** Throws AllocationError when every range is full. */
  allocateNext(family: IPFamily, rng: Rng, lookup: Lookup, dryRun: boolean): string {
    for (const range of this.#ready(lookup, family)) {
      if (dryRun) return formatIp({ family, value: range.prefix.base });
      for (const address of range.candidates(rng)) {
        const name = formatIp(address);
        if (this.#isTaken(name, lookup)) continue;
        this.#claimed.add(name);
        return name;
      }
    }
    throw new AllocationError("range is full");
  }

  /** The write that claimed the address ended: it is stored, or it is not. */
  settled(name: string): void {
    this.#claimed.delete(name);
  }

  /** For a write under way that is no allocation; false when another one has the claim. */
  claim(name: string): boolean {
    if (this.#claimed.has(name)) return false;
    this.#claimed.add(name);
    return true;
  }

  /** Every range, whether or not addresses are still given out of it. */
  ranges(lookup: Lookup): readonly IpPrefix[] {
    return this.#all(lookup).map((range) => range.prefix);
  }

  #isTaken(name: string, lookup: Lookup): boolean {
    return this.#claimed.has(name) || lookup.get(ipAddresses, undefined, name) !== undefined;
  }

  #ready(lookup: Lookup, family: IPFamily): readonly IpRange[] {
    return this.#all(lookup, isReady).filter(({ prefix }) => prefix.family === family);
  }

  #all(lookup: Lookup, use: (cidr: ServiceCIDR) => boolean = () => true): readonly IpRange[] {
    const stored = lookup.list(serviceCIDRs);
    const ranges = stored.filter(use).flatMap((cidr) => this.#parsed(cidr));
    const hasDefault = stored.some(({ metadata }) => metadata.name === DEFAULT_SERVICE_CIDR);
    return hasDefault ? ranges : [...this.#configured, ...ranges];
  }

  #parsed(cidr: ServiceCIDR): readonly IpRange[] {
    const known = this.#rangesOf.get(cidr);
    if (known) return known;
    const ranges = cidr.spec.cidrs.flatMap(toRange);
    this.#rangesOf.set(cidr, ranges);
    return ranges;
  }
}

function toRange(cidr: string): IpRange[] {
  const prefix = readPrefix(cidr);
  return prefix ? [new IpRange(prefix)] : [];
}

const newNotInRange = (ip: string, range: string): AllocationError =>
  new AllocationError(
    `the provided IP (${ip}) is not in the valid range. The range of valid IPs is ${range}`,
  );
