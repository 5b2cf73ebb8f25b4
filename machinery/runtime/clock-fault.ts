import type { Clock, Timer } from "../api/clock.js";
import type { FaultPoint } from "./fault-points.js";
import type { SkewableClock } from "./skewable-clock.js";

/** A process whose own clock goes wrong. `master` keeps time for the strobe. */
export const clockFault = (clock: SkewableClock, master: Clock): FaultPoint => ({
  name: "clock",
  summary: "wall time is off by offsetMs (every other strobeMs, if given), or a second lasts 1 + drift",
  inject({ offsetMs = 0, drift = 0, strobeMs = 0 }) {
    const [offset, rate, strobe] = [Number(offsetMs), Number(drift), Number(strobeMs)];
    if (!Number.isFinite(offset) || !Number.isFinite(rate) || rate <= -1 || !(strobe >= 0))
      throw new RangeError("offsetMs must be a number, drift a number above -1, strobeMs not negative");
    let timer: Timer | undefined;
    let isOff = false;
    const jump = (): void => {
      clock.jump(isOff ? -offset : offset);
      isOff = !isOff;
      if (strobe > 0) timer = master.setTimer(strobe, jump);
    };
    jump();
    if (rate !== 0) clock.setDrift(rate);
    return () => {
      timer?.cancel();
      if (isOff) clock.jump(-offset);
      if (rate !== 0) clock.setDrift(0);
    };
  },
});
