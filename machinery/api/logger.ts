/** A constant sentence plus keys; values never inside the message. */
export interface Logger {
  debug(message: string, keys?: Record<string, unknown>): void;
  info(message: string, keys?: Record<string, unknown>): void;
  warn(message: string, keys?: Record<string, unknown>): void;
  /** Put a caught error under the key `err`. */
  error(message: string, keys?: Record<string, unknown>): void;
  child(keys: Record<string, unknown>): Logger;
}

/** For tests and for parts whose owner wants no log. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};
