/** Nesting that Go's decoder takes (encoding/json maxNestingDepth). */
export const MAX_JSON_DEPTH = 10_000;

export interface JsonScan {
  tooDeep: boolean;
  /** Colons outside strings: how many members all objects have, repeated keys counted each time. */
  members: number;
  /** A number is written with a fraction, an exponent, or more digits than a double holds exactly. */
  unusualNumbers: boolean;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SAFE_DIGITS = 15;

const isNumberByte = (byte: number | undefined): boolean =>
  byte !== undefined && ((byte >= 0x30 && byte <= 0x39) || byte === 0x2b || byte === 0x2d);

/** Index of the quote that closes the string opened at `start`, or the end of the bytes. */
function stringEnd(bytes: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < bytes.length) {
    const byte = bytes[at];
    if (byte === QUOTE) return at;
    at += byte === BACKSLASH ? 2 : 1;
  }
  return at;
}

/** One pass without recursion over bytes that may not even be JSON; JSON.parse decides about that. */
export function scanJson(bytes: Uint8Array): JsonScan {
  const scan: JsonScan = { tooDeep: false, members: 0, unusualNumbers: false };
  let depth = 0;
  let digits = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (isNumberByte(byte)) {
      if (++digits > SAFE_DIGITS) scan.unusualNumbers = true;
      continue;
    }
    // "." and exponents follow a digit; the e of true and false does not.
    if (digits > 0 && (byte === 0x2e || byte === 0x65 || byte === 0x45)) scan.unusualNumbers = true;
    digits = 0;
    if (byte === QUOTE) at = stringEnd(bytes, at);
    else if (byte === 0x3a) scan.members++;
    else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > MAX_JSON_DEPTH) {
        scan.tooDeep = true;
        return scan;
      }
    } else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  return scan;
}
