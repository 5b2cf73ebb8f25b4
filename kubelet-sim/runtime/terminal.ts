import { type OpenFile, ProcessEnded, type Signal, type TerminalControl } from "../images/process.js";
import { toBytes } from "./byte-queue.js";

const LARGEST_INPUT_BYTES = 64 * 1024;
const LONGEST_LINE_BYTES = 4096;
const SIGNAL_KEYS: ReadonlyMap<number, Signal> = new Map([
  [0x03, "SIGINT"],
  [0x1c, "SIGQUIT"],
]);
const END_OF_FILE = new Uint8Array();

/** A pseudo-terminal with the kernel's usual line discipline: line editing, echo, Ctrl-C, Ctrl-D, newline as CR LF. */
export class Terminal implements TerminalControl {
  width = 80;
  height = 24;
  #raw = false;
  readonly #output: (bytes: Uint8Array) => Promise<void>;
  readonly #raise: (signal: Signal) => void;
  #line: number[] = [];
  #ready: Uint8Array[] = [];
  #readySize = 0;
  #hungUp = false;
  #waiting: (() => void)[] = [];

  constructor(output: (bytes: Uint8Array) => Promise<void>, raise: (signal: Signal) => void) {
    this.#output = output;
    this.#raise = raise;
  }

  open(): OpenFile {
    return new TerminalFile(this);
  }

  resize(size: { width: number; height: number }): void {
    this.width = size.width;
    this.height = size.height;
    this.#raise("SIGWINCH");
  }

  setRaw(raw: boolean): void {
    this.#raw = raw;
  }

  /** Bytes typed by the user. */
  async type(bytes: Uint8Array): Promise<void> {
    if (this.#raw) this.#deliver(bytes.map((byte) => (byte === 0x0d ? 0x0a : byte)));
    else await this.#cook(bytes);
    while (this.#readySize > LARGEST_INPUT_BYTES && !this.#hungUp) await this.wait();
  }

  async #cook(bytes: Uint8Array): Promise<void> {
    let echo = "";
    for (const byte of bytes) {
      echo += this.#key(byte);
      const signal = SIGNAL_KEYS.get(byte);
      if (!signal) continue;
      await this.#output(Buffer.from(echo, "latin1"));
      echo = "";
      this.#raise(signal);
    }
    if (echo) await this.#output(Buffer.from(echo, "latin1"));
  }

  /** The user's end of the terminal is gone: reads end. */
  hangUp(): void {
    this.#hungUp = true;
    this.wake();
  }

  async read(file: TerminalFile, limit: number = Infinity): Promise<Uint8Array | undefined> {
    for (;;) {
      if (file.closed) throw new ProcessEnded();
      const first = this.#ready[0];
      if (first) return this.#take(first, limit);
      if (this.#hungUp) return undefined;
      await this.wait();
    }
  }

  unread(bytes: Uint8Array): void {
    this.#ready.unshift(bytes);
    this.#readySize += bytes.length;
  }

  write(content: Uint8Array | string): Promise<void> {
    const bytes = toBytes(content);
    if (!bytes.includes(10)) return this.#output(bytes);
    const text = Buffer.from(bytes).toString("latin1").replaceAll("\n", "\r\n");
    return this.#output(Buffer.from(text, "latin1"));
  }

  wait(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  #take(first: Uint8Array, limit: number): Uint8Array | undefined {
    this.#ready.shift();
    if (first === END_OF_FILE) return undefined;
    if (first.length > limit) this.#ready.unshift(first.subarray(limit));
    const bytes = first.subarray(0, limit);
    this.#readySize -= bytes.length;
    this.wake();
    return bytes;
  }

  /** Applies one key; returns what to echo. */
  #key(byte: number): string {
    switch (byte) {
      case 0x03:
      case 0x1c:
        this.#line = [];
        return byte === 0x03 ? "^C\r\n" : "^\\\r\n";
      case 0x04:
        if (this.#line.length > 0) this.#submit();
        else this.#deliver(END_OF_FILE);
        return "";
      case 0x7f:
      case 0x08:
        return this.#line.pop() === undefined ? "" : "\b \b";
      case 0x15:
        return "\b \b".repeat(this.#line.splice(0).length);
      case 0x0d:
      case 0x0a:
        this.#line.push(0x0a);
        this.#submit();
        return "\r\n";
      default:
        if (this.#line.length < LONGEST_LINE_BYTES) this.#line.push(byte);
        return byte < 32 && byte !== 9 ? `^${String.fromCharCode(byte + 64)}` : String.fromCharCode(byte);
    }
  }

  #submit(): void {
    this.#deliver(Uint8Array.from(this.#line));
    this.#line = [];
  }

  #deliver(bytes: Uint8Array): void {
    this.#ready.push(bytes);
    this.#readySize += bytes.length;
    this.wake();
  }
}

class TerminalFile implements OpenFile {
  readonly #terminal: Terminal;
  closed = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  get terminal(): TerminalControl {
    return this.#terminal;
  }

  read(limit?: number): Promise<Uint8Array | undefined> {
    return this.#terminal.read(this, limit);
  }

  unread(bytes: Uint8Array): void {
    this.#terminal.unread(bytes);
  }

  write(content: Uint8Array | string): Promise<void> {
    return this.closed ? Promise.reject(new ProcessEnded()) : this.#terminal.write(content);
  }

  dup(): OpenFile {
    return this.#terminal.open();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#terminal.wake();
  }
}
