const GUARDED = ["setTimeout", "setInterval", "setImmediate"] as const;
type Guarded = (typeof GUARDED)[number];

/**
 * Replaces the global timer functions of this realm until the answer is called: they still work, and `onUse` hears of
 * each use. Timers of the program's host (a test runner, Node.js itself) do not go through the globals.
 */
export function guardTimers(onUse: (name: Guarded) => void): () => void {
  const globals = globalThis as unknown as Record<Guarded, (...args: unknown[]) => unknown>;
  const originals = GUARDED.map((name) => [name, globals[name]] as const);
  for (const [name, original] of originals) {
    globals[name] = (...args) => {
      onUse(name);
      return original(...args);
    };
  }
  return () => {
    for (const [name, original] of originals) globals[name] = original;
  };
}
