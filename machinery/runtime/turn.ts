/** Resolves once every microtask and nextTick callback that was runnable, and all that they made runnable, has run. */
export const turn = (): Promise<void> => new Promise((resolve) => nextTurn(resolve));

const nextTurn = setImmediate;

/** Names of what keeps the event loop alive now: timers, sockets, file requests. */
export const activeResources = (): string[] => process.getActiveResourcesInfo();
