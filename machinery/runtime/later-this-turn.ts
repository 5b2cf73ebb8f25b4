/** Calls `run` once what has already arrived in this turn of the event loop has been dealt with. */
export const laterThisTurn = (run: () => void): void => {
  setImmediate(run);
};
