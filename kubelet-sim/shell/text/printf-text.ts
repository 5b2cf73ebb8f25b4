import { decodeEscapes } from "./echo-text.js";

const MOST_COLUMNS = 65_536;
const DIRECTIVE = /%(?:%|([-+ 0#]*)(\*|\d+)?(?:\.(\*|\d+))?([diouxXcsbfFeEgGq]))/g;

/** printf(1): the format is used again while values are left. */
export function formatPrintf(format: string, values: readonly string[]): { text: string; errors: string[] } {
  const rest = [...values];
  const errors: string[] = [];
  const { text: decoded, stopped } = decodeEscapes(format);
  let text = "";
  do {
    const before = rest.length;
    text += decoded.replace(
      DIRECTIVE,
      (whole, flags?: string, width?: string, precision?: string, kind?: string) => {
        if (whole === "%%" || kind === undefined) return "%";
        const numberOf = (part: string | undefined): number | undefined =>
          part === undefined
            ? undefined
            : Math.min(MOST_COLUMNS, Number(part === "*" ? (rest.shift() ?? 0) : part));
        const columns = numberOf(width);
        const digits = numberOf(precision);
        return pad(convert(kind, rest.shift(), digits, flags ?? "", errors), flags ?? "", columns ?? 0, kind);
      },
    );
    if (rest.length === before) break;
  } while (rest.length > 0 && !stopped);
  return { text, errors };
}

function convert(
  kind: string,
  value: string | undefined,
  precision: number | undefined,
  flags: string,
  errors: string[],
): string {
  switch (kind) {
    case "s":
      return precision === undefined ? (value ?? "") : (value ?? "").slice(0, precision);
    case "b":
      return decodeEscapes(value ?? "").text;
    case "c":
      return (value ?? "").slice(0, 1);
    case "q":
      return `'${(value ?? "").replaceAll("'", `'\\''`)}'`;
    default:
      return convertNumber(kind, value ?? "0", precision, flags, errors);
  }
}

function convertNumber(
  kind: string,
  value: string,
  precision: number | undefined,
  flags: string,
  errors: string[],
): string {
  const isCharacter = /^['"]/.test(value);
  const number = isCharacter ? (value.codePointAt(1) ?? 0) : Number(value.trim() === "" ? 0 : value);
  if (Number.isNaN(number)) {
    errors.push(`printf: invalid number '${value}'`);
    return "0";
  }
  const sign = flags.includes("+") && number >= 0 ? "+" : "";
  switch (kind) {
    case "x":
      return Math.trunc(number).toString(16);
    case "X":
      return Math.trunc(number).toString(16).toUpperCase();
    case "o":
      return Math.trunc(number).toString(8);
    case "e":
    case "E":
      return sign + number.toExponential(precision ?? 6).replace(/e([+-])(\d)$/, "e$10$2");
    case "f":
    case "F":
      return sign + number.toFixed(precision ?? 6);
    case "g":
    case "G":
      return sign + String(Number(number.toPrecision(precision || 6)));
    default:
      return sign + String(Math.trunc(number)).padStart(precision ?? 0, "0");
  }
}

function pad(text: string, flags: string, columns: number, kind: string): string {
  if (flags.includes("-")) return text.padEnd(columns);
  if (!flags.includes("0") || "sbcq".includes(kind)) return text.padStart(columns);
  const sign = /^[+-]/.exec(text)?.[0] ?? "";
  return sign + text.slice(sign.length).padStart(columns - sign.length, "0");
}
