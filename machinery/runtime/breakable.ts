import type { Clock } from "../api/clock.js";
import { clockFault } from "./clock-fault.js";
import { FaultPoints } from "./fault-points.js";
import { SkewableClock } from "./skewable-clock.js";
import { defineStressFaults, realLoad } from "./stress-faults.js";
import { systemClock } from "./system-clock.js";

/** The clock and the fault points of a live process. Without `chaos` the clock is the machine's, and nothing can be injected. */
export function breakableProcess(chaos: boolean | undefined): { clock: Clock; faults: FaultPoints } {
  const master = systemClock();
  const faults = new FaultPoints({ clock: master, enabled: chaos === true });
  if (!chaos) return { clock: master, faults };
  const clock = new SkewableClock(master);
  faults.define(clockFault(clock, master));
  defineStressFaults(faults, master, realLoad);
  return { clock, faults };
}
