/** Readers of the scalar forms with Go's messages. Each answers the canonical form or throws `ScalarError`. */
export class ScalarError extends Error {
  override readonly name = "ScalarError";
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Standard base64 with padding; line breaks are skipped (Go encoding/base64). */
export function readBase64(text: string): string {
  const plain = text.includes("\n") || text.includes("\r") ? text.replaceAll(/[\r\n]/g, "") : text;
  if (BASE64.test(plain)) return plain;
  throw new ScalarError(`illegal base64 data at input byte ${corruptAt(text)}`);
}

function corruptAt(text: string): number {
  const bytes = Buffer.from(text);
  let filled = 0;
  for (let at = 0; at < bytes.length; at++) {
    const char = String.fromCharCode(bytes[at] ?? 0);
    if (char === "\n" || char === "\r") continue;
    if (/[A-Za-z0-9+/]/.test(char)) {
      filled = (filled + 1) % 4;
      continue;
    }
    if (char !== "=" || filled < 2) return at;
    const rest = bytes
      .subarray(at + 1)
      .toString("latin1")
      .replaceAll(/[\r\n]/g, "");
    if (filled === 2 && !rest.startsWith("=")) return rest === "" ? bytes.length : at + 1;
    return at + (filled === 2 ? 2 : 1);
  }
  // Too short: Go points at the start of the broken group of four.
  return bytes.length - filled;
}

const QUANTITY = /^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$/;
const QUANTITY_NUMBER = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)/;
const QUANTITY_SUFFIX = /^(?:[numkMGTPE]|[KMGTPE]i|[eE][-+]?[0-9]+)?$/;

/** Syntax only (apimachinery resource.ParseQuantity); the canonical form is the kind's business. */
export function readQuantity(text: string): string {
  const trimmed = text.trim();
  if (trimmed === "") throw malformedQuantity();
  const digits = QUANTITY_NUMBER.exec(trimmed)?.[0];
  if (digits === undefined || !QUANTITY.test(trimmed)) throw malformedQuantity();
  if (!QUANTITY_SUFFIX.test(trimmed.slice(digits.length)))
    throw new ScalarError("unable to parse quantity's suffix");
  return trimmed;
}
const malformedQuantity = (): ScalarError =>
  new ScalarError(
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
  );

const RFC3339 = "2006-01-02T15:04:05Z07:00";
const RFC3339_MICRO = "2006-01-02T15:04:05.000000Z07:00";
const TIME = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:[.,](\d+))?(Z|[+-]\d{2}:\d{2})$/;

/** metav1.Time: parsed with RFC 3339, printed in UTC without a fraction. */
export function readTime(text: string): string {
  return `${parseTime(text, RFC3339).seconds}Z`;
}

/** metav1.MicroTime: like Time, printed with six digits. */
export function readMicroTime(text: string): string {
  const { seconds, fraction } = parseTime(text, RFC3339_MICRO);
  if (fraction.length < 6) throw timeError(text, RFC3339_MICRO, text.slice(19), ".000000");
  return `${seconds}.${fraction.slice(0, 6)}Z`;
}

function parseTime(text: string, layout: string): { seconds: string; fraction: string } {
  const parts = TIME.exec(text);
  if (!parts) throw firstMismatch(text, layout);
  const [, year = "", month = "", day = "", hour = "", minute = "", second = "", fraction = "", zone = ""] =
    parts;
  const range = outOfRange(
    Number(year),
    Number(month),
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  );
  if (range) throw new ScalarError(`parsing time ${JSON.stringify(text)}: ${range} out of range`);
  if (zone === "Z") return { seconds: text.slice(0, 19), fraction };
  const utc = new Date(`${text.slice(0, 19)}${zone}`);
  if (Number.isNaN(utc.getTime()))
    throw new ScalarError(`parsing time ${JSON.stringify(text)}: time zone offset hour out of range`);
  return { seconds: utc.toISOString().slice(0, 19), fraction };
}

function outOfRange(year: number, month: number, day: number, hour: number, minute: number, second: number) {
  if (month < 1 || month > 12) return "month";
  if (hour > 23) return "hour";
  if (minute > 59) return "minute";
  if (second > 59) return "second";
  return day < 1 || day > new Date(Date.UTC(year, month, 0)).getUTCDate() ? "day" : undefined;
}

const LAYOUT: readonly (readonly [RegExp, string])[] = [
  [/^\d{4}/, "2006"],
  [/^-/, "-"],
  [/^\d{2}/, "01"],
  [/^-/, "-"],
  [/^\d{2}/, "02"],
  [/^T/, "T"],
  [/^\d{2}/, "15"],
  [/^:/, ":"],
  [/^\d{2}/, "04"],
  [/^:/, ":"],
  [/^\d{2}(?:[.,]\d+)?/, "05"],
  [/^(?:Z|[+-]\d{2}:\d{2})/, "Z07:00"],
];

/** Go's time.Parse names the rest of the text and the element of the layout that it did not fit. */
function firstMismatch(text: string, layout: string): ScalarError {
  let rest = text;
  for (const [pattern, element] of LAYOUT) {
    const matched = pattern.exec(rest)?.[0];
    if (matched === undefined) return timeError(text, layout, rest, element);
    rest = rest.slice(matched.length);
  }
  return new ScalarError(`parsing time ${JSON.stringify(text)}: extra text: ${JSON.stringify(rest)}`);
}

const timeError = (text: string, layout: string, rest: string, element: string): ScalarError =>
  new ScalarError(
    `parsing time ${JSON.stringify(text)} as ${JSON.stringify(layout)}: cannot parse ${JSON.stringify(rest)} as ${JSON.stringify(element)}`,
  );
