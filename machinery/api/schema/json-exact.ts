import { MAX_JSON_DEPTH } from "./json-scan.js";

/** A syntax error in the words of Go's scanner (encoding/json scanner.go). */
export class JsonSyntaxError extends Error {
  override readonly name = "JsonSyntaxError";
}

/** What JSON.parse loses: which keys were repeated, and how unusual numbers were written. */
export interface ExactJson {
  value: unknown;
  /** Every key of an object in order, for objects that repeat one. */
  repeated: ReadonlyMap<object, readonly string[]>;
  /** The text of numbers that a double or an integer parser might take for another, by container and key. */
  literals: ReadonlyMap<object, ReadonlyMap<string | number, string>>;
}

type Frame =
  | { container: unknown[]; key?: undefined }
  | { container: Record<string, unknown>; key: string; keys: string[]; seen: Set<string> };

const WHITESPACE = new Set([0x20, 0x09, 0x0a, 0x0d]);
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39;

/** Parses byte by byte with a stack of its own. Several times slower than JSON.parse: for the cases that need it. */
export function parseExactly(bytes: Uint8Array): ExactJson {
  return new ExactParser(bytes).parse();
}

class ExactParser {
  readonly #bytes: Uint8Array;
  readonly #stack: Frame[] = [];
  readonly #repeated = new Map<object, readonly string[]>();
  readonly #literals = new Map<object, Map<string | number, string>>();
  #at = 0;
  #root: unknown;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  parse(): ExactJson {
    this.#value("looking for beginning of value");
    while (this.#stack.length > 0) this.#next();
    this.#skipSpace();
    if (this.#at < this.#bytes.length) throw this.#unexpected("after top-level value");
    return { value: this.#root, repeated: this.#repeated, literals: this.#literals };
  }

  /** After a value inside a container: its comma or its end. */
  #next(): void {
    const frame = this.#stack.at(-1);
    if (!frame) return;
    this.#skipSpace();
    const byte = this.#bytes[this.#at];
    if (frame.key === undefined) {
      if (byte === 0x5d) return this.#close();
      if (byte !== 0x2c) throw this.#unexpected("after array element");
      this.#at++;
      return this.#value("looking for beginning of value");
    }
    if (byte === 0x7d) return this.#close();
    if (byte !== 0x2c) throw this.#unexpected("after object key:value pair");
    this.#at++;
    this.#member(frame);
  }

  #close(): void {
    this.#at++;
    const frame = this.#stack.pop();
    if (frame && frame.key !== undefined && frame.seen.size < frame.keys.length)
      this.#repeated.set(frame.container, frame.keys);
  }

  #member(frame: Frame): void {
    if (frame.key === undefined) return;
    this.#skipSpace();
    if (this.#bytes[this.#at] !== 0x22) throw this.#unexpected("looking for beginning of object key string");
    frame.key = this.#string();
    frame.keys.push(frame.key);
    frame.seen.add(frame.key);
    this.#skipSpace();
    if (this.#bytes[this.#at] !== 0x3a) throw this.#unexpected("after object key");
    this.#at++;
    this.#value("looking for beginning of value");
  }

  #value(context: string): void {
    this.#skipSpace();
    const byte = this.#bytes[this.#at];
    if (byte === 0x7b) return this.#openObject();
    if (byte === 0x5b) return this.#openArray();
    if (byte === 0x22) return this.#put(this.#string());
    if (byte === 0x74) return this.#put(this.#word("true", true));
    if (byte === 0x66) return this.#put(this.#word("false", false));
    if (byte === 0x6e) return this.#put(this.#word("null", null));
    if (byte === 0x2d || isDigit(byte)) return this.#number();
    throw this.#unexpected(context);
  }

  #openObject(): void {
    const container: Record<string, unknown> = {};
    this.#put(container);
    const frame: Frame = { container, key: "", keys: [], seen: new Set() };
    this.#push(frame);
    this.#skipSpace();
    if (this.#bytes[this.#at] === 0x7d) return this.#close();
    this.#member(frame);
  }

  #openArray(): void {
    const container: unknown[] = [];
    this.#put(container);
    this.#push({ container });
    this.#skipSpace();
    if (this.#bytes[this.#at] === 0x5d) return this.#close();
    this.#value("looking for beginning of value");
  }

  #push(frame: Frame): void {
    this.#at++;
    this.#stack.push(frame);
    if (this.#stack.length > MAX_JSON_DEPTH) throw new JsonSyntaxError("exceeded max depth");
  }

  #put(value: unknown): void {
    const frame = this.#stack.at(-1);
    if (!frame) this.#root = value;
    else if (frame.key === undefined) frame.container.push(value);
    else
      Object.defineProperty(frame.container, frame.key, {
        value,
        writable: true,
        enumerable: true,
        configurable: true,
      });
  }

  #number(): void {
    const start = this.#at;
    const ascii = this.#text(start, this.#numberEnd(start));
    NUMBER.lastIndex = 0;
    const literal = NUMBER.exec(ascii)?.[0] ?? "";
    this.#at = start + literal.length;
    this.#checkNumber(literal);
    const frame = this.#stack.at(-1);
    if (frame && (/[.eE]/.test(literal) || literal.length > 15)) {
      const key = frame.key ?? (frame.container as unknown[]).length;
      const known = this.#literals.get(frame.container) ?? new Map<string | number, string>();
      this.#literals.set(frame.container, known.set(key, literal));
    }
    this.#put(Number(literal));
  }

  #numberEnd(start: number): number {
    let end = start;
    while (end < this.#bytes.length && /[-+.0-9eE]/.test(String.fromCharCode(this.#bytes[end] ?? 0))) end++;
    return end;
  }

  /** A number that stops where it must go on. */
  #checkNumber(literal: string): void {
    const byte = this.#bytes[this.#at];
    if (literal === "") {
      this.#at++;
      throw this.#unexpected("in numeric literal");
    }
    if (byte === 0x2e && !/[.eE]/.test(literal)) {
      this.#at++;
      throw this.#unexpected("after decimal point in numeric literal");
    }
    if ((byte === 0x65 || byte === 0x45) && !/[eE]/.test(literal)) {
      this.#at++;
      if (this.#bytes[this.#at] === 0x2b || this.#bytes[this.#at] === 0x2d) this.#at++;
      throw this.#unexpected("in exponent of numeric literal");
    }
  }

  #word<T>(word: string, value: T): T {
    for (let i = 1; i < word.length; i++) {
      this.#at++;
      if (this.#bytes[this.#at] !== word.charCodeAt(i))
        throw this.#unexpected(`in literal ${word} (expecting '${word[i]}')`);
    }
    this.#at++;
    return value;
  }

  #string(): string {
    const start = this.#at++;
    for (;;) {
      const byte = this.#bytes[this.#at];
      if (byte === 0x22) break;
      if (byte === undefined || byte < 0x20) throw this.#unexpected("in string literal");
      if (byte === 0x5c) this.#escape();
      this.#at++;
    }
    this.#at++;
    return JSON.parse(this.#text(start, this.#at)) as string;
  }

  #escape(): void {
    this.#at++;
    const byte = this.#bytes[this.#at];
    if (byte !== 0x75) {
      if (byte === undefined || !'"\\/bfnrt'.includes(String.fromCharCode(byte)))
        throw this.#unexpected("in string escape code");
      return;
    }
    for (let i = 0; i < 4; i++) {
      this.#at++;
      if (!/[0-9a-fA-F]/.test(String.fromCharCode(this.#bytes[this.#at] ?? 0)))
        throw this.#unexpected("in \\u hexadecimal character escape");
    }
  }

  #skipSpace(): void {
    while (WHITESPACE.has(this.#bytes[this.#at] ?? -1)) this.#at++;
  }

  #text(start: number, end: number): string {
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(this.#bytes.subarray(start, end));
  }

  #unexpected(context: string): JsonSyntaxError {
    const byte = this.#bytes[this.#at];
    return new JsonSyntaxError(
      byte === undefined ? "unexpected end of JSON input" : `invalid character ${quoteByte(byte)} ${context}`,
    );
  }
}

function quoteByte(byte: number): string {
  if (byte === 0x27) return "'\\''";
  if (byte === 0x22) return "'\"'";
  const named: Record<number, string> = {
    7: "\\a",
    8: "\\b",
    9: "\\t",
    10: "\\n",
    11: "\\v",
    12: "\\f",
    13: "\\r",
  };
  const hex = byte.toString(16).padStart(2, "0");
  if (named[byte]) return `'${named[byte]}'`;
  if (byte === 0x5c) return "'\\\\'";
  if (byte < 0x20 || byte === 0x7f) return `'\\x${hex}'`;
  if (byte >= 0x80 && byte < 0xa1) return `'\\u00${hex}'`;
  return `'${String.fromCharCode(byte)}'`;
}
