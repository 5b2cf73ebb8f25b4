import type { CachedService } from "./rules.js";

/** How annotations begin by which the clouds of the field are told what balancer is wanted. */
const PREFIXES = [
  "service.beta.kubernetes.io/aws-load-balancer-",
  "service.beta.kubernetes.io/azure-load-balancer-",
  "networking.gke.io/load-balancer-",
  "cloud.google.com/",
];

const AWS = "service.beta.kubernetes.io/aws-load-balancer-";

/** What a balancer of this machine is anyway: an address for everyone who can reach it, where TCP and UDP pass as they are. */
const GIVEN: ReadonlyMap<string, readonly string[]> = new Map([
  [`${AWS}type`, ["nlb", "nlb-ip", "external"]],
  [`${AWS}backend-protocol`, ["tcp"]],
  [`${AWS}internal`, ["false"]],
  [`${AWS}scheme`, ["internet-facing"]],
  ["service.beta.kubernetes.io/azure-load-balancer-internal", ["false"]],
  ["networking.gke.io/load-balancer-type", ["External"]],
]);

/** A sentence for each annotation that asks for something else. */
export const withoutEffect = ({ metadata }: CachedService): string[] =>
  Object.entries(metadata.annotations ?? {})
    .filter(([name, value]) => {
      if (!PREFIXES.some((prefix) => name.startsWith(prefix))) return false;
      return !GIVEN.get(name)?.some((given) => given.toLowerCase() === value.toLowerCase());
    })
    .map(([name, value]) => `annotation ${name}: ${value} has no effect on the balancers of this machine`);
