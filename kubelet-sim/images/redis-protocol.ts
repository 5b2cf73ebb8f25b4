import type { Connection } from "../../machinery/network/network.js";

/** A reply: RESP2's types. A nested list is an array, null the nil bulk string. */
export type Reply = string | number | null | Reply[] | { status: string } | { error: string };

export function encodeReply(reply: Reply): string {
  if (reply === null) return "$-1\r\n";
  if (typeof reply === "number") return `:${reply}\r\n`;
  if (typeof reply === "string") return `$${Buffer.byteLength(reply)}\r\n${reply}\r\n`;
  if (Array.isArray(reply)) return `*${reply.length}\r\n${reply.map(encodeReply).join("")}`;
  return "status" in reply ? `+${reply.status}\r\n` : `-${reply.error}\r\n`;
}

export const encodeCommand = (words: readonly string[]): string => encodeReply([...words]);

const LARGEST_BULK_BYTES = 16 * 1024 * 1024;
const MOST_ITEMS = 1024 * 1024;

export class RedisProtocolError extends Error {
  override readonly name = "RedisProtocolError";
}

/** Takes commands and replies off a connection. */
export class RedisReader {
  readonly #connection: Pick<Connection, "read">;
  #buffer = Buffer.alloc(0);

  constructor(connection: Pick<Connection, "read">) {
    this.#connection = connection;
  }

  /** A command's words: an array of bulk strings, or a line as typed into telnet. Undefined at the end. */
  async readCommand(): Promise<string[] | undefined> {
    const line = await this.#line();
    if (line === undefined) return undefined;
    if (!line.startsWith("*")) return line.trim() === "" ? [] : line.trim().split(/\s+/);
    const count = Number(line.slice(1));
    if (!(count >= 0 && count <= MOST_ITEMS))
      throw new RedisProtocolError("Protocol error: invalid multibulk length");
    const words: string[] = [];
    for (let i = 0; i < count; i++) words.push(await this.#bulk((await this.#line()) ?? ""));
    return words;
  }

  async readReply(): Promise<Reply | undefined> {
    const line = await this.#line();
    if (line === undefined) return undefined;
    const rest = line.slice(1);
    switch (line[0]) {
      case "+":
        return { status: rest };
      case "-":
        return { error: rest };
      case ":":
        return Number(rest);
      case "$":
        return rest === "-1" ? null : this.#bulk(line);
      case "*": {
        const list: Reply[] = [];
        for (let i = 0; i < Math.min(MOST_ITEMS, Number(rest)); i++)
          list.push((await this.readReply()) ?? null);
        return list;
      }
      default:
        throw new RedisProtocolError("Protocol error: unknown reply");
    }
  }

  async #bulk(header: string): Promise<string> {
    const size = Number(header.slice(1));
    if (!header.startsWith("$") || !(size >= 0 && size <= LARGEST_BULK_BYTES)) {
      throw new RedisProtocolError(`Protocol error: expected '$', got '${header.slice(0, 1)}'`);
    }
    while (this.#buffer.length < size + 2)
      if (!(await this.#fill())) throw new RedisProtocolError("unexpected end");
    const text = this.#buffer.toString("utf8", 0, size);
    this.#buffer = this.#buffer.subarray(size + 2);
    return text;
  }

  async #line(): Promise<string | undefined> {
    let end = this.#buffer.indexOf(10);
    while (end < 0) {
      if (this.#buffer.length > 64 * 1024)
        throw new RedisProtocolError("Protocol error: too big inline request");
      if (!(await this.#fill())) return undefined;
      end = this.#buffer.indexOf(10);
    }
    const line = this.#buffer.toString("utf8", 0, end).replace(/\r$/, "");
    this.#buffer = this.#buffer.subarray(end + 1);
    return line;
  }

  async #fill(): Promise<boolean> {
    const bytes = await this.#connection.read();
    if (!bytes) return false;
    this.#buffer = Buffer.concat([this.#buffer, bytes]);
    return true;
  }
}
