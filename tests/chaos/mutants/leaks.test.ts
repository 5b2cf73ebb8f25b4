import { expect, test } from "@jest/globals";
import type { ProxyOptions } from "../../../proxy-sim/proxy.js";
import { newTarget } from "../../../chaos/scenario/defaults.js";
import { aFault, judgedRun } from "./judged-run.js";

const invariants = ["nothing-leaked"];

test("unchanged, nothing is left of a run", async () => {
  const { violated } = await judgedRun({ invariants });
  expect(violated).toEqual([]);
});

/** Each sync leaves a timer behind: as one that nobody cancels when its call has been answered. */
const leaky = (options: ProxyOptions): ProxyOptions => ({
  ...options,
  dataPlane: {
    boots: (signal) => options.dataPlane.boots(signal),
    program: (transaction, signal) => {
      options.clock.setTimer(3_600_000, () => {});
      return options.dataPlane.program(transaction, signal);
    },
  },
});

test("a proxy that leaves a timer behind with each sync is caught", async () => {
  const { verdict } = await judgedRun({ invariants, parts: { proxy: leaky } });

  expect(verdict("nothing-leaked").violations[0]).toMatch(/^proxy timers: \d+ before, \d+ after$/);
});

test("a supervisor that forgets to end a second instance is caught", async () => {
  const twice = aFault("duplicate-instance", { target: newTarget({ component: "proxy" }) });
  const { verdict } = await judgedRun({ invariants, faults: [twice] });
  expect(verdict("nothing-leaked").held).toBe(true);

  const forgotten = await judgedRun({
    invariants,
    faults: [twice],
    onCluster: ({ processes }) => {
      processes.removeDuplicate = () => Promise.resolve();
    },
  });
  expect(forgotten.verdict("nothing-leaked").violations[0]).toBe("process proxy-2 was not there before");
});
