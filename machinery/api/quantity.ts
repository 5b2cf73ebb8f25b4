// Upstream: apimachinery pkg/api/resource. Values are kept in billionths, the smallest step that the API knows.

type QuantityFormat = "DecimalSI" | "BinarySI" | "DecimalExponent";

export interface ParsedQuantity {
  /** In billionths of the unit. */
  nanos: bigint;
  format: QuantityFormat;
}

/** What a real server says of a malformed quantity. */
export const QUANTITY_MESSAGE =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

const BILLION = 1_000_000_000n;
const MAX_NANOS = (2n ** 63n - 1n) * BILLION;
const BINARY = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const DECIMAL_EXPONENTS: Record<string, number> = {
  n: -9,
  u: -6,
  m: -3,
  "": 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};

export function parseQuantity(text: string | number): ParsedQuantity | undefined {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?([a-zA-Z]*)([+-]?\d*)$/.exec(String(text));
  if (!match) return undefined;
  const [, sign = "", whole = "", fraction = "", letters = "", exponentText = ""] = match;
  if (whole === "" && fraction === "") return undefined;
  const scale = scaleOf(letters, exponentText);
  if (!scale) return undefined;
  const digits = BigInt(whole + fraction) * scale.multiplier;
  const nanos = shift(digits, scale.exponent + 9 - fraction.length);
  const capped = nanos > MAX_NANOS ? MAX_NANOS : nanos;
  return { nanos: sign === "-" ? -capped : capped, format: scale.format };
}

interface Scale {
  multiplier: bigint;
  exponent: number;
  format: QuantityFormat;
}
function scaleOf(letters: string, exponentText: string): Scale | undefined {
  if ((letters === "e" || letters === "E") && exponentText !== "") {
    const exponent = Number(exponentText);
    if (!Number.isInteger(exponent) || Math.abs(exponent) > 40) return undefined;
    return { multiplier: 1n, exponent, format: "DecimalExponent" };
  }
  if (exponentText !== "") return undefined;
  const binary = letters === "" ? -1 : BINARY.indexOf(letters);
  if (binary > 0) return { multiplier: 1024n ** BigInt(binary), exponent: 0, format: "BinarySI" };
  const exponent = Object.hasOwn(DECIMAL_EXPONENTS, letters) ? DECIMAL_EXPONENTS[letters] : undefined;
  return exponent === undefined ? undefined : { multiplier: 1n, exponent, format: "DecimalSI" };
}

/** Times ten to the `exponent`; what falls below a billionth rounds up, as upstream does. */
function shift(digits: bigint, exponent: number): bigint {
  if (exponent >= 0) return digits * 10n ** BigInt(exponent);
  const divisor = 10n ** BigInt(-exponent);
  return (digits + divisor - 1n) / divisor;
}

/** The one spelling of a value in its format: `1000m` is `1`, `1024Mi` is `1Gi`, `0.5` is `500m`. */
function formatQuantity({ nanos, format }: ParsedQuantity): string {
  const magnitude = nanos < 0n ? -nanos : nanos;
  const sign = nanos < 0n ? "-" : "";
  if (magnitude === 0n) return "0";
  if (format === "BinarySI" && magnitude >= 1024n * BILLION) return sign + formatBinary(magnitude);
  return sign + formatDecimal(magnitude, format === "DecimalExponent");
}

function formatBinary(magnitude: bigint): string {
  let units = (magnitude + BILLION - 1n) / BILLION;
  let power = 0;
  while (units % 1024n === 0n && power < BINARY.length - 1) {
    units /= 1024n;
    power += 1;
  }
  return `${units}${BINARY[power] ?? ""}`;
}

function formatDecimal(magnitude: bigint, exponential: boolean): string {
  let digits = magnitude;
  let exponent = -9;
  while (digits % 1000n === 0n && exponent < 18) {
    digits /= 1000n;
    exponent += 3;
  }
  if (exponential) return exponent === 0 ? `${digits}` : `${digits}e${exponent}`;
  const suffix = Object.entries(DECIMAL_EXPONENTS).find(([, value]) => value === exponent)?.[0] ?? "";
  return `${digits}${suffix}`;
}

/** The canonical spelling, or the text itself when it is no quantity. */
export function canonicalQuantity(text: string | number): string {
  const parsed = parseQuantity(text);
  return parsed ? formatQuantity(parsed) : String(text);
}

export const compareQuantities = (a: ParsedQuantity, b: ParsedQuantity): number =>
  a.nanos === b.nanos ? 0 : a.nanos < b.nanos ? -1 : 1;

export const addQuantities = (a: ParsedQuantity, b: ParsedQuantity): ParsedQuantity => ({
  nanos: a.nanos + b.nanos,
  format: a.nanos === 0n ? b.format : a.format,
});

/** Rounded up to whole units (Quantity.Value); 0 when the text is no quantity. */
export function quantityValue(text: string | number | undefined): number {
  const nanos = text === undefined ? 0n : (parseQuantity(text)?.nanos ?? 0n);
  return Number(nanos > 0n ? (nanos + BILLION - 1n) / BILLION : nanos / BILLION);
}

/** Rounded up to thousandths (Quantity.MilliValue). */
export function quantityMilliValue(text: string | number | undefined): number {
  const nanos = text === undefined ? 0n : (parseQuantity(text)?.nanos ?? 0n);
  const million = 1_000_000n;
  return Number(nanos > 0n ? (nanos + million - 1n) / million : nanos / million);
}
