import type { Logger } from "../api/logger.js";

const LEVELS = ["debug", "info", "warn", "error"] as const;
type Level = (typeof LEVELS)[number];

/** One JSON line a record on stderr, from `level` up: `{"level","time",…keys,"msg"}`. */
export function jsonLogger(keys: Record<string, unknown>, level = "info"): Logger {
  if (!process.stderr.listeners("error").includes(dropLine)) process.stderr.on("error", dropLine);
  const least = LEVELS.findIndex((name) => name === level);
  return loggerOf(members(keys), least < 0 ? LEVELS.indexOf("info") : least);
}

/** A full disk costs log lines, not the process. */
const dropLine = (): void => {};

/** `bound` is the inside of a JSON object, printed once for all records. */
function loggerOf(bound: string, least: number): Logger {
  const writer =
    (level: Level): Logger["info"] =>
    (message, keys) => {
      if (LEVELS.indexOf(level) >= least) write(level, bound, message, keys);
    };
  return {
    debug: writer("debug"),
    info: writer("info"),
    warn: writer("warn"),
    error: writer("error"),
    child: (keys) => loggerOf(joined(bound, members(keys)), least),
  };
}

function write(
  level: Level,
  bound: string,
  message: string,
  keys: Record<string, unknown> | undefined,
): void {
  const head = members({ level, time: new Date().toISOString() });
  const own = keys ? members(keys) : "";
  process.stderr.write(`{${joined(head, bound, own, members({ msg: message }))}}\n`);
}

const joined = (...parts: readonly string[]): string => parts.filter((part) => part !== "").join(",");

/** A log line must never fail: what JSON cannot hold is told as text. */
function members(keys: Record<string, unknown>): string {
  try {
    return JSON.stringify(keys, printable).slice(1, -1);
  } catch (err) {
    return members({ unprintable: String(err) });
  }
}

const printable = (_key: string, value: unknown): unknown => {
  if (value instanceof Error) return toRecord(value);
  return typeof value === "bigint" ? String(value) : value;
};

const toRecord = (err: Error): Record<string, unknown> => ({
  type: err.constructor.name,
  ...("code" in err ? { code: err.code } : {}),
  message: err.message,
  stack: err.stack,
  ...(err.cause === undefined ? {} : { cause: err.cause }),
});
