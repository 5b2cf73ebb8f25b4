const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `1.5s`, `250ms`, `2m`, `1m30s`; undefined when it is no duration. */
export function parseDurationMs(text: unknown): number | undefined {
  if (text === 0 || text === "0") return 0;
  if (typeof text !== "string" || !/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return undefined;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * (UNITS[unit ?? ""] ?? 0), 0);
}

/** For people: the shortest of the units that is exact. */
export function formatDuration(ms: number): string {
  if (ms >= 60_000 && ms % 60_000 === 0) return `${ms / 60_000}m`;
  return ms >= 1000 || ms === 0 ? `${Math.round(ms) / 1000}s` : `${ms}ms`;
}

/** `50%` or `50`, from 0 to 100; undefined when it is no percentage. */
export function parsePercent(value: unknown): number | undefined {
  const number =
    typeof value === "string" && /^\d+(\.\d+)?%?$/.test(value) ? Number.parseFloat(value) : value;
  return typeof number === "number" && number >= 0 && number <= 100 ? number : undefined;
}
