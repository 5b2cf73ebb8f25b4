/** One element of ASN.1 in its distinguished encoding. */
export function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag, ...lengthOf(content.length)]), content]);
}

function lengthOf(length: number): number[] {
  if (length < 0x80) return [length];
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return [0x80 | octets.length, ...octets];
}

/** A non-negative integer, given big-endian. */
export function derInteger(bytes: Uint8Array): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const significant = first < 0 ? Buffer.from([0]) : bytes.subarray(first);
  const sign = (significant[0] ?? 0) & 0x80 ? [Buffer.from([0])] : [];
  return der(0x02, ...sign, significant);
}

export const derBitString = (bytes: Uint8Array, unusedBits: number): Buffer =>
  der(0x03, Buffer.from([unusedBits]), bytes);

export const derText = (text: string): Buffer => der(0x0c, Buffer.from(text, "utf8"));

export function derOid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return der(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(value: number): number[] {
  const octets = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) octets.unshift((rest & 0x7f) | 0x80);
  return octets;
}

/** UTCTime until 2049, GeneralizedTime after, as RFC 5280 has it. */
export function derTime(ms: number): Buffer {
  const digits = new Date(ms).toISOString().slice(0, 19).replace(/[-:T]/g, "");
  const generalized = Number(digits.slice(0, 4)) >= 2050;
  return der(generalized ? 0x18 : 0x17, Buffer.from(`${generalized ? digits : digits.slice(2)}Z`, "latin1"));
}
