import type { Clock, Timer } from "../api/clock.js";
import { FaultParameters } from "./fault-parameters.js";
import type { FaultPoints } from "./fault-points.js";

/** What a process can be loaded with. */
export interface Load {
  /** Nothing else of the process runs for so long. */
  busy(ms: number): void;
  /** Holds memory until the answer is called. */
  hold(bytes: number): () => void;
}

const SLICE_MS = 100;
/** What is left is for whoever heals it. */
const MOST_PERCENT = 95;
const MOST_MIB = 512;
const BYTES_PER_MIB = 1024 * 1024;

/** A process that is short of time or memory. `master` keeps the time of the slices. */
export function defineStressFaults(points: FaultPoints, master: Clock, load: Load): void {
  points.define({
    name: "cpu",
    summary: "the event loop is busy for a share of each tenth of a second",
    inject(parameters) {
      const percent = new FaultParameters(parameters, ["percent"]).number("percent", MOST_PERCENT);
      return everyMs(master, SLICE_MS, () => load.busy((SLICE_MS * percent) / 100));
    },
  });
  points.define({
    name: "memory",
    summary: "the process holds so much more memory",
    inject(parameters) {
      const mib = new FaultParameters(parameters, ["mib"]).number("mib", MOST_MIB);
      return load.hold(mib * BYTES_PER_MIB);
    },
  });
}

/** At once, and again and again until the answer is called. */
export function everyMs(clock: Clock, periodMs: number, act: () => void): () => void {
  let timer: Timer;
  const again = (): void => {
    timer = clock.setTimer(periodMs, again);
    act();
  };
  again();
  return () => timer.cancel();
}

/** The real thing. */
export const realLoad: Load = {
  busy(ms) {
    const untilMs = performance.now() + ms;
    while (performance.now() < untilMs);
  },
  hold(bytes) {
    // Filled, or the kernel would not give it.
    const held = [Buffer.alloc(bytes, 1)];
    return () => {
      held.length = 0;
    };
  },
};
