import { pino } from "pino";
import type { Logger } from "../api/logger.js";

/** One JSON line a record on stderr. `level` is pino's: debug, info, warn, error. */
export function jsonLogger(keys: Record<string, unknown>, level = "info"): Logger {
  const root = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ dest: 2, sync: false }),
  );
  return wrap(root.child(keys));
}

type Pino = ReturnType<typeof pino>;

const wrap = (inner: Pino): Logger => ({
  debug: (message, keys) => inner.debug(keys ?? {}, message),
  info: (message, keys) => inner.info(keys ?? {}, message),
  warn: (message, keys) => inner.warn(keys ?? {}, message),
  error: (message, keys) => inner.error(keys ?? {}, message),
  child: (keys) => wrap(inner.child(keys) as Pino),
});
