/**
 * Resolves once every microtask that was runnable, and all that they made runnable, has run: callbacks of nextTick wait for
 * that. Now and then it goes once around the event loop, which costs more, so that signals and messages from outside are
 * heard.
 */
export function turn(): Promise<void> {
  const aroundLoop = turns++ % TURNS_PER_LOOP === 0;
  return new Promise((resolve) => {
    if (aroundLoop) nextTurn(resolve);
    // From a microtask: a callback of nextTick that is set elsewhere runs before the microtasks.
    else void NOW.then(() => process.nextTick(resolve));
  });
}

const TURNS_PER_LOOP = 64;
/** Cheaper than queueMicrotask, which makes an async resource for each call. */
const NOW = Promise.resolve();
const nextTurn = setImmediate;
let turns = 0;

/** Names of what keeps the event loop alive now: timers, sockets, file requests. */
export const activeResources = (): string[] => process.getActiveResourcesInfo();
