import { createHash } from "node:crypto";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { Rng } from "../api/rng.js";

/** The root of the tree of chance: everything that is drawn in a run follows from `seed`. */
export function seededRng(seed: number | string): Rng {
  return new TreeRng(String(seed));
}

const SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789";

class TreeRng implements Rng {
  readonly #path: string;
  readonly #generator;

  constructor(path: string) {
    this.#path = path;
    this.#generator = xoroshiro128plus(createHash("sha256").update(path).digest().readInt32LE(0));
  }

  next(): number {
    // 53 bits out of two 32-bit draws, as Math.random has.
    const high = this.#draw() >>> 5;
    const low = this.#draw() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  int(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError("pick from an empty array");
    return items[this.int(0, items.length - 1)] as T;
  }

  shuffle<T>(items: readonly T[]): T[] {
    const copy = [...items];
    for (let i = copy.length - 1; i > 0; i--) {
      const j = this.int(0, i);
      [copy[i], copy[j]] = [copy[j] as T, copy[i] as T];
    }
    return copy;
  }

  suffix(length: number): string {
    let text = "";
    for (let i = 0; i < length; i++) text += SUFFIX_ALPHABET[this.int(0, SUFFIX_ALPHABET.length - 1)];
    return text;
  }

  uuid(): string {
    const bytes = Buffer.alloc(16);
    for (let i = 0; i < 16; i += 4) bytes.writeInt32LE(this.#draw(), i);
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
    const hex = bytes.toString("hex");
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }

  fork(path: string): Rng {
    return new TreeRng(`${this.#path}/${path}`);
  }

  #draw(): number {
    return this.#generator.next();
  }
}
