/** A body that is not Kubernetes' protobuf, or a part of it that this server cannot read. */
export class ProtobufError extends Error {
  override readonly name = "ProtobufError";
}

/** One field as it stands on the wire. */
export interface WireField {
  number: number;
  /** A varint or fixed number, else the bytes of a string, message or packed list. */
  value: bigint | Uint8Array;
}

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;
const LONGEST_VARINT_BYTES = 10;

/** The fields of one message in order; repeated ones come repeatedly. Throws ProtobufError. */
export function* readFields(bytes: Uint8Array): Generator<WireField> {
  const reader = new Reader(bytes);
  while (!reader.atEnd) {
    const tag = Number(reader.varint());
    const number = Math.floor(tag / 8);
    if (number < 1) throw new ProtobufError(`proto: illegal tag ${tag}`);
    yield { number, value: reader.value(tag % 8) };
  }
}

/** The numbers of a packed list. */
export function* readPacked(bytes: Uint8Array): Generator<bigint> {
  const reader = new Reader(bytes);
  while (!reader.atEnd) yield reader.varint();
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  varint(): bigint {
    let value = 0n;
    for (let i = 0; i < LONGEST_VARINT_BYTES; i++) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new ProtobufError("proto: unexpected EOF");
      value |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
    throw new ProtobufError("proto: integer overflow");
  }

  value(wireType: number): bigint | Uint8Array {
    switch (wireType) {
      case VARINT:
        return this.varint();
      case FIXED64:
        return Buffer.from(this.#take(8)).readBigInt64LE();
      case LENGTH_DELIMITED:
        return this.#take(Number(this.varint()));
      case FIXED32:
        return BigInt(Buffer.from(this.#take(4)).readInt32LE());
      default:
        throw new ProtobufError(`proto: illegal wireType ${wireType}`);
    }
  }

  #take(length: number): Uint8Array {
    if (length < 0 || this.#at + length > this.#bytes.length)
      throw new ProtobufError("proto: unexpected EOF");
    const part = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return part;
  }
}
