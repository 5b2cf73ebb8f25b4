import { type FieldError, type FieldPath, invalid } from "../../../machinery/api/field-error.js";
import { INVALID_IP_MESSAGE, isIP, parseIPv4 } from "../../../machinery/api/ip.js";

/** Upstream: ValidateEndpointIP: a syntactically right address that traffic may really go to. */
export function validateEndpointIp(ip: string, at: FieldPath): FieldError[] {
  if (!isIP(ip)) return [invalid(at, ip, INVALID_IP_MESSAGE)];
  return unusable(ip).map((message) => invalid(at, ip, message));
}

function unusable(ip: string): string[] {
  const address = parseIPv4(ip);
  if (address === undefined)
    return ip === "::"
      ? ["may not be unspecified (0.0.0.0 or ::)"]
      : ip === "::1"
        ? ["may not be in the loopback range (127.0.0.0/8, ::1/128)"]
        : [];
  const first = Math.floor(address / 2 ** 24);
  if (address === 0) return ["may not be unspecified (0.0.0.0 or ::)"];
  if (first === 127) return ["may not be in the loopback range (127.0.0.0/8, ::1/128)"];
  if (Math.floor(address / 2 ** 16) === 169 * 256 + 254)
    return ["may not be in the link-local range (169.254.0.0/16, fe80::/10)"];
  if (Math.floor(address / 2 ** 8) === 224 * 65536)
    return ["may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"];
  return [];
}
