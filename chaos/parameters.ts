import type { ParameterSpec } from "./fault.js";
import { parseDurationMs } from "./scenario/quantities.js";

/** `given`, and the defaults of what it leaves out. Defaults may be written as in files (`5s`, `50%`). */
export function withDefaults(
  specs: Readonly<Record<string, ParameterSpec>>,
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const defaults = Object.entries(specs)
    .filter(([, spec]) => spec.default !== undefined)
    .map(([name, spec]) => [name, defaultOf(spec)]);
  return { ...(Object.fromEntries(defaults) as Record<string, unknown>), ...given };
}

export function defaultOf({ type, default: value }: ParameterSpec): unknown {
  if (typeof value !== "string") return value;
  if (type === "duration") return parseDurationMs(value) ?? value;
  return type === "percent" ? Number(value.replace(/%$/, "")) : value;
}
