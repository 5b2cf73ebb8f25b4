/** Protocol buffers' wire format, the few forms that are written here. Fields are concatenated; empty ones are left out. */
export type Encoded = Uint8Array;

const NOTHING: Encoded = new Uint8Array();
const LENGTH_DELIMITED = 2;

/** `field` holding a message, a string or bytes. */
export function delimited(field: number, content: Encoded | string | undefined): Encoded {
  if (content === undefined) return NOTHING;
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  return Buffer.concat([varint(field * 8 + LENGTH_DELIMITED), varint(bytes.length), bytes]);
}

export const text = (field: number, value: string | undefined): Encoded =>
  value === undefined || value === "" ? NOTHING : delimited(field, value);

export const texts = (field: number, values: readonly string[] | undefined): Encoded =>
  message((values ?? []).map((value) => delimited(field, value)));

export const flag = (field: number, value: boolean | undefined): Encoded =>
  value ? Buffer.concat([varint(field * 8), varint(1)]) : NOTHING;

export const message = (fields: readonly Encoded[]): Encoded => Buffer.concat(fields);

function varint(value: number): Encoded {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
