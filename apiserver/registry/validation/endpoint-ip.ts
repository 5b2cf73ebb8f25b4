import { type FieldError, type FieldPath, invalid } from "../../../machinery/api/field-error.js";
import { readIp, readPrefix } from "../../../machinery/api/ip-address.js";
import { INVALID_IP_MESSAGE } from "./ip.js";

/** Ranges that no Service's traffic may be sent to. */
const UNUSABLE: readonly (readonly [message: string, ranges: readonly string[]])[] = [
  ["may not be in the loopback range (127.0.0.0/8, ::1/128)", ["127.0.0.0/8", "::1/128"]],
  ["may not be in the link-local range (169.254.0.0/16, fe80::/10)", ["169.254.0.0/16", "fe80::/10"]],
  [
    "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)",
    // Of multicast addresses of IPv6 any flags count, the scope must be 2.
    ["224.0.0.0/24", ...Array.from({ length: 16 }, (_, flags) => `ff${flags.toString(16)}2::/16`)],
  ],
];
const UNUSABLE_PREFIXES = UNUSABLE.map(
  ([message, ranges]) => [message, ranges.flatMap((range) => readPrefix(range) ?? [])] as const,
);

/** Upstream: ValidateEndpointIP: a syntactically right address that traffic may really go to. */
export function validateEndpointIp(ip: string, at: FieldPath): FieldError[] {
  const read = readIp(ip);
  if (!read) return [invalid(at, ip, INVALID_IP_MESSAGE)];
  if (read.value === 0n) return [invalid(at, ip, `may not be unspecified (${ip})`)];
  const width = read.family === "IPv4" ? 32 : 128;
  const isIn = ({ family, base, length }: { family: string; base: bigint; length: number }): boolean =>
    family === read.family && read.value >> BigInt(width - length) === base >> BigInt(width - length);
  return UNUSABLE_PREFIXES.filter(([, prefixes]) => prefixes.some(isIn)).map(([message]) =>
    invalid(at, ip, message),
  );
}
