import type { Process } from "../images/process.js";

const MOST_HISTORY_LINES = 255;
const LONGEST_LINE = 4096;
const ESC = "\x1b";
/** A cursor key's sequence, or one character. */
const KEY = new RegExp(`${ESC}\\[[0-9;]*[A-Za-z~]|${ESC}O[A-Z]|${ESC}[a-z]|[\\s\\S]`, "gu");

/** `text` ends with a newline; the end is Ctrl-D, an interruption Ctrl-C. */
export type TypedLine = { kind: "line"; text: string } | { kind: "end" } | { kind: "interrupted" };

/** What Tab does: text to put in at the cursor, or choices to show. */
export interface Completion {
  insert: string;
  choices: readonly string[];
}

/** Line editing as busybox has it: cursor keys, history, Ctrl-A/E/U/K/W/L, Tab. The terminal is raw only meanwhile. */
export class LineEditor {
  readonly #process: Process;
  readonly #complete: (textBeforeCursor: string) => Completion;
  readonly #history: string[] = [];
  #prompt = "";
  #line = "";
  #cursor = 0;
  #historyAt = 0;
  /** What was typed before the history was looked at. */
  #draft = "";

  constructor(process: Process, complete: (textBeforeCursor: string) => Completion) {
    this.#process = process;
    this.#complete = complete;
  }

  async read(prompt: string): Promise<TypedLine> {
    this.#prompt = prompt;
    this.#line = "";
    this.#cursor = 0;
    this.#historyAt = this.#history.length;
    const { stdin, stderr } = this.#process;
    stdin.terminal?.setRaw(true);
    try {
      await stderr.write(prompt);
      return await this.#edit();
    } finally {
      stdin.terminal?.setRaw(false);
    }
  }

  async #edit(): Promise<TypedLine> {
    const { stdin, stderr } = this.#process;
    const decoder = new TextDecoder("utf-8");
    for (;;) {
      const bytes = await stdin.read();
      if (!bytes) return this.#line === "" ? { kind: "end" } : this.#finish();
      const keys = decoder.decode(bytes, { stream: true }).match(KEY) ?? [];
      for (const [i, key] of keys.entries()) {
        if (key === "\n" || key === "\x03" || (key === "\x04" && this.#line === "")) {
          const rest = keys.slice(i + 1).join("");
          if (rest !== "") stdin.unread(Buffer.from(rest, "utf8"));
          if (key === "\x04") return { kind: "end" };
          await stderr.write(key === "\n" ? "\n" : "^C\n");
          return key === "\n" ? this.#finish() : { kind: "interrupted" };
        }
        await this.#press(key);
      }
    }
  }

  #finish(): TypedLine {
    const line = this.#line;
    if (line.trim() !== "" && line !== this.#history.at(-1)) this.#history.push(line);
    if (this.#history.length > MOST_HISTORY_LINES) this.#history.shift();
    return { kind: "line", text: `${line}\n` };
  }

  async #press(key: string): Promise<void> {
    switch (key) {
      case "\x7f":
      case "\b":
        return this.#replace(Math.max(0, this.#cursor - 1), this.#cursor, "");
      case "\x1b[3~":
      case "\x04":
        return this.#replace(this.#cursor, Math.min(this.#line.length, this.#cursor + 1), "");
      case "\x1b[D":
      case "\x02":
        return this.#moveTo(this.#cursor - 1);
      case "\x1b[C":
      case "\x06":
        return this.#moveTo(this.#cursor + 1);
      case "\x1b[H":
      case "\x1bOH":
      case "\x1b[1~":
      case "\x01":
        return this.#moveTo(0);
      case "\x1b[F":
      case "\x1bOF":
      case "\x1b[4~":
      case "\x05":
        return this.#moveTo(this.#line.length);
      case "\x1b[A":
      case "\x1bOA":
      case "\x10":
        return this.#recall(-1);
      case "\x1b[B":
      case "\x1bOB":
      case "\x0e":
        return this.#recall(1);
      default:
        return this.#control(key);
    }
  }

  async #control(key: string): Promise<void> {
    switch (key) {
      case "\x15":
        return this.#replace(0, this.#cursor, "");
      case "\x0b":
        return this.#replace(this.#cursor, this.#line.length, "");
      case "\x17":
        return this.#replace(/\S*\s*$/.exec(this.#line.slice(0, this.#cursor))?.index ?? 0, this.#cursor, "");
      case "\x0c":
        await this.#process.stderr.write("\x1b[H\x1b[J");
        return this.#redraw();
      case "\t":
        return this.#tab();
      default:
        if (key.length === 1 && key < " ") return;
        if (key.startsWith("\x1b") || this.#line.length >= LONGEST_LINE) return;
        return this.#replace(this.#cursor, this.#cursor, key);
    }
  }

  /** Puts `text` in place of a part of the line; the cursor comes after it. */
  async #replace(from: number, to: number, text: string): Promise<void> {
    const atEnd = to === this.#line.length;
    const erased = to - from;
    if (erased === 0 && text === "") return;
    this.#line = this.#line.slice(0, from) + text + this.#line.slice(to);
    const before = this.#cursor;
    this.#cursor = from + text.length;
    if (atEnd && erased === 0) return this.#process.stderr.write(text);
    if (atEnd && text === "" && before === to) return this.#process.stderr.write("\b \b".repeat(erased));
    return this.#redraw();
  }

  async #moveTo(cursor: number): Promise<void> {
    const target = Math.max(0, Math.min(this.#line.length, cursor));
    const steps = target - this.#cursor;
    this.#cursor = target;
    if (steps !== 0) await this.#process.stderr.write(`\x1b[${Math.abs(steps)}${steps < 0 ? "D" : "C"}`);
  }

  async #recall(step: -1 | 1): Promise<void> {
    const at = this.#historyAt + step;
    if (at < 0 || at > this.#history.length) return;
    if (this.#historyAt === this.#history.length) this.#draft = this.#line;
    this.#historyAt = at;
    this.#line = this.#history[at] ?? this.#draft;
    this.#cursor = this.#line.length;
    await this.#redraw();
  }

  async #redraw(): Promise<void> {
    const back = this.#line.length - this.#cursor;
    const shown = `\r${this.#prompt}${this.#line}\x1b[K${back > 0 ? `\x1b[${back}D` : ""}`;
    await this.#process.stderr.write(shown);
  }

  async #tab(): Promise<void> {
    const { insert, choices } = this.#complete(this.#line.slice(0, this.#cursor));
    if (insert !== "") return this.#replace(this.#cursor, this.#cursor, insert);
    if (choices.length < 2) return this.#process.stderr.write("\x07");
    await this.#process.stderr.write(`\n${choices.join("  ")}\n`);
    return this.#redraw();
  }
}
