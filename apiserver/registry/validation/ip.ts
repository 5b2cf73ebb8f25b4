import { type FieldError, type FieldPath, invalid } from "../../../machinery/api/field-error.js";
import { INVALID_IP_MESSAGE, isIP } from "../../../machinery/api/ip.js";

/** Upstream: IsValidIPForLegacyField. `known` are values stored before, which may stay as they are. */
export const validateLegacyIp = (ip: string, at: FieldPath, known: readonly string[] = []): FieldError[] =>
  known.includes(ip) || isIP(ip) ? [] : [invalid(at, ip, INVALID_IP_MESSAGE)];
