import type { Reply } from "./redis-protocol.js";

type Value = string | string[] | Set<string> | Map<string, string>;

interface Entry {
  value: Value;
  expiresAtMs: number | undefined;
}

const OK: Reply = { status: "OK" };
const WRONG_TYPE: Reply = { error: "WRONGTYPE Operation against a key holding the wrong kind of value" };
const NO_INTEGER: Reply = { error: "ERR value is not an integer or out of range" };
const SYNTAX: Reply = { error: "ERR syntax error" };

type Command = { arity: number; run: (store: RedisStore, args: string[]) => Reply };

/** Keys in memory, and the commands that tutorials use. */
export class RedisStore {
  readonly #entries = new Map<string, Entry>();
  readonly now: () => number;

  constructor(now: () => number) {
    this.now = now;
  }

  execute([name = "", ...args]: readonly string[]): Reply {
    const command = Object.hasOwn(COMMANDS, name.toLowerCase()) ? COMMANDS[name.toLowerCase()] : undefined;
    if (!command) {
      return {
        error: `ERR unknown command '${name}', with args beginning with: ${args.map((arg) => `'${arg}' `).join("")}`,
      };
    }
    // A negative arity is a least one, the name counted, as in redis' own table.
    const given = args.length + 1;
    const fits = command.arity < 0 ? given >= -command.arity : given === command.arity;
    if (!fits) return { error: `ERR wrong number of arguments for '${name.toLowerCase()}' command` };
    return command.run(this, args);
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry?.expiresAtMs === undefined || entry.expiresAtMs > this.now()) return entry?.value;
    this.#entries.delete(key);
    return undefined;
  }

  set(key: string, value: Value, expiresAtMs?: number): void {
    this.#entries.set(key, { value, expiresAtMs });
  }

  /** The value of a key, made when missing; undefined when it is of another type. */
  collection<T extends Value>(
    key: string,
    isType: (value: Value) => value is T,
    make: () => T,
  ): T | undefined {
    const value = this.get(key);
    if (value !== undefined) return isType(value) ? value : undefined;
    const made = make();
    this.set(key, made);
    return made;
  }

  delete(key: string): boolean {
    return this.get(key) !== undefined && this.#entries.delete(key);
  }

  keys(): string[] {
    return [...this.#entries.keys()].filter((key) => this.get(key) !== undefined);
  }

  clear(): void {
    this.#entries.clear();
  }

  expire(key: string, atMs: number | undefined): number {
    const entry = this.get(key) === undefined ? undefined : this.#entries.get(key);
    if (!entry) return 0;
    entry.expiresAtMs = atMs;
    return 1;
  }

  leftMs(key: string): number {
    if (this.get(key) === undefined) return -2;
    const at = this.#entries.get(key)?.expiresAtMs;
    return at === undefined ? -1 : at - this.now();
  }
}

const isList = (value: Value): value is string[] => Array.isArray(value);
const isSet = (value: Value): value is Set<string> => value instanceof Set;
const isHash = (value: Value): value is Map<string, string> => value instanceof Map;

function increment(store: RedisStore, key: string, by: number): Reply {
  const value = store.get(key) ?? "0";
  if (typeof value !== "string") return WRONG_TYPE;
  if (!/^-?\d+$/.test(value) || !Number.isInteger(by)) return NO_INTEGER;
  const next = Number(value) + by;
  const leftMs = store.leftMs(key);
  store.set(key, String(next), leftMs > 0 ? store.now() + leftMs : undefined);
  return next;
}

function set(store: RedisStore, [key = "", value = "", ...options]: string[]): Reply {
  let expiresAtMs: number | undefined;
  for (let i = 0; i < options.length; i++) {
    const option = options[i]?.toLowerCase();
    if (option === "nx" && store.get(key) !== undefined) return null;
    if (option === "xx" && store.get(key) === undefined) return null;
    if (option === "ex" || option === "px") {
      const amount = Number(options[++i]);
      if (!Number.isInteger(amount) || amount <= 0) return NO_INTEGER;
      expiresAtMs = store.now() + amount * (option === "ex" ? 1000 : 1);
    } else if (option !== "nx" && option !== "xx") return SYNTAX;
  }
  store.set(key, value, expiresAtMs);
  return OK;
}

function push(store: RedisStore, [key = "", ...values]: string[], front: boolean): Reply {
  const list = store.collection(key, isList, () => []);
  if (!list) return WRONG_TYPE;
  for (const value of values) {
    if (front) list.unshift(value);
    else list.push(value);
  }
  return list.length;
}

function pop(store: RedisStore, [key = ""]: string[], front: boolean): Reply {
  const value = store.get(key);
  if (value === undefined) return null;
  if (!isList(value)) return WRONG_TYPE;
  const item = (front ? value.shift() : value.pop()) ?? null;
  if (value.length === 0) store.delete(key);
  return item;
}

function range(store: RedisStore, [key = "", from = "0", to = "-1"]: string[]): Reply {
  const value = store.get(key) ?? [];
  if (!isList(value)) return WRONG_TYPE;
  const at = (text: string): number =>
    Number(text) < 0 ? Math.max(0, value.length + Number(text)) : Number(text);
  return value.slice(at(from), at(to) + 1);
}

const typeOf = (value: Value | undefined): string => {
  if (value === undefined) return "none";
  if (typeof value === "string") return "string";
  return isList(value) ? "list" : isSet(value) ? "set" : "hash";
};

const globToRegExp = (glob: string): RegExp =>
  new RegExp(
    `^${glob
      .replace(/[.+^${}()|\\]/g, "\\$&")
      .replaceAll("*", ".*")
      .replaceAll("?", ".")}$`,
  );

const COMMANDS: Readonly<Record<string, Command>> = {
  ping: { arity: -1, run: (_, [text]) => text ?? { status: "PONG" } },
  echo: { arity: 2, run: (_, [text = ""]) => text },
  get: {
    arity: 2,
    run: (store, [key = ""]) => {
      const value = store.get(key) ?? null;
      return value === null || typeof value === "string" ? value : WRONG_TYPE;
    },
  },
  set: { arity: -3, run: set },
  setnx: { arity: 3, run: (store, args) => (set(store, [...args, "nx"]) === null ? 0 : 1) },
  mget: {
    arity: -2,
    run: (store, keys) =>
      keys.map((key) => {
        const value = store.get(key);
        return typeof value === "string" ? value : null;
      }),
  },
  mset: {
    arity: -3,
    run: (store, args) => {
      for (let i = 0; i + 1 < args.length; i += 2) store.set(args[i] ?? "", args[i + 1] ?? "");
      return OK;
    },
  },
  append: {
    arity: 3,
    run: (store, [key = "", text = ""]) => {
      const value = store.get(key) ?? "";
      if (typeof value !== "string") return WRONG_TYPE;
      store.set(key, value + text);
      return value.length + text.length;
    },
  },
  incr: { arity: 2, run: (store, [key = ""]) => increment(store, key, 1) },
  decr: { arity: 2, run: (store, [key = ""]) => increment(store, key, -1) },
  incrby: { arity: 3, run: (store, [key = "", by]) => increment(store, key, Number(by)) },
  decrby: { arity: 3, run: (store, [key = "", by]) => increment(store, key, -Number(by)) },
  del: { arity: -2, run: (store, keys) => keys.filter((key) => store.delete(key)).length },
  exists: { arity: -2, run: (store, keys) => keys.filter((key) => store.get(key) !== undefined).length },
  keys: {
    arity: 2,
    run: (store, [glob = "*"]) => store.keys().filter((key) => globToRegExp(glob).test(key)),
  },
  type: { arity: 2, run: (store, [key = ""]) => ({ status: typeOf(store.get(key)) }) },
  expire: {
    arity: -3,
    run: (store, [key = "", seconds]) => store.expire(key, store.now() + Number(seconds) * 1000),
  },
  persist: { arity: 2, run: (store, [key = ""]) => store.expire(key, undefined) },
  ttl: {
    arity: 2,
    run: (store, [key = ""]) => {
      const leftMs = store.leftMs(key);
      return leftMs < 0 ? leftMs : Math.round(leftMs / 1000);
    },
  },
  dbsize: { arity: 1, run: (store) => store.keys().length },
  flushall: { arity: -1, run: (store) => (store.clear(), OK) },
  flushdb: { arity: -1, run: (store) => (store.clear(), OK) },
  lpush: { arity: -3, run: (store, args) => push(store, args, true) },
  rpush: { arity: -3, run: (store, args) => push(store, args, false) },
  lpop: { arity: 2, run: (store, args) => pop(store, args, true) },
  rpop: { arity: 2, run: (store, args) => pop(store, args, false) },
  lrange: { arity: 4, run: range },
  llen: {
    arity: 2,
    run: (store, [key = ""]) => {
      const value = store.get(key) ?? [];
      return isList(value) ? value.length : WRONG_TYPE;
    },
  },
  sadd: {
    arity: -3,
    run: (store, [key = "", ...members]) => {
      const members0 = store.collection(key, isSet, () => new Set<string>());
      if (!members0) return WRONG_TYPE;
      const before = members0.size;
      for (const member of members) members0.add(member);
      return members0.size - before;
    },
  },
  smembers: {
    arity: 2,
    run: (store, [key = ""]) => {
      const value = store.get(key) ?? new Set<string>();
      return isSet(value) ? [...value] : WRONG_TYPE;
    },
  },
  hset: {
    arity: -4,
    run: (store, [key = "", ...pairs]) => {
      const hash = store.collection(key, isHash, () => new Map<string, string>());
      if (!hash) return WRONG_TYPE;
      const before = hash.size;
      for (let i = 0; i + 1 < pairs.length; i += 2) hash.set(pairs[i] ?? "", pairs[i + 1] ?? "");
      return hash.size - before;
    },
  },
  hget: {
    arity: 3,
    run: (store, [key = "", field = ""]) => {
      const value = store.get(key) ?? new Map<string, string>();
      return isHash(value) ? (value.get(field) ?? null) : WRONG_TYPE;
    },
  },
  hgetall: {
    arity: 2,
    run: (store, [key = ""]) => {
      const value = store.get(key) ?? new Map<string, string>();
      return isHash(value) ? [...value].flat() : WRONG_TYPE;
    },
  },
  info: {
    arity: -1,
    run: () =>
      "# Server\r\nredis_version:7.4.5\r\nredis_mode:standalone\r\n\r\n# Replication\r\nrole:master\r\nconnected_slaves:0\r\n",
  },
  command: { arity: -1, run: () => [] },
  client: { arity: -2, run: () => OK },
  config: { arity: -2, run: () => [] },
  select: { arity: 2, run: (_, [db]) => (db === "0" ? OK : { error: "ERR DB index is out of range" }) },
  save: { arity: 1, run: () => OK },
};
