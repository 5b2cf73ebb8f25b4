import { expect, test } from "@jest/globals";
import { VirtualClock } from "../../simulation/virtual-clock.js";
import type { Event } from "../api/core-v1.js";
import { EventCorrelator } from "./event-correlator.js";

const anEvent = (message: string, name = "web"): Event => ({
  apiVersion: "v1",
  kind: "Event",
  metadata: { name: `${name}.1`, namespace: "default", uid: "", resourceVersion: "", creationTimestamp: "" },
  involvedObject: { kind: "Pod", namespace: "default", name, uid: `uid-${name}` },
  reason: "BackOff",
  message,
  type: "Warning",
  source: { component: "kubelet" },
  count: 1,
  reportingComponent: "kubelet",
  reportingInstance: "",
});

test("the same event again raises the count of the first", () => {
  const correlator = new EventCorrelator(new VirtualClock());
  const first = correlator.correlate(anEvent("again"));
  expect(first.kind).toBe("create");
  correlator.remember(anEvent("again"));
  const second = correlator.correlate(anEvent("again"));
  expect(second).toMatchObject({ kind: "repeat", event: { count: 2, metadata: { name: "web.1" } } });
});

test("many messages that differ only a little become one event", () => {
  const correlator = new EventCorrelator(new VirtualClock());
  const outcomes = Array.from({ length: 12 }, (_, i) => {
    const outcome = correlator.correlate(anEvent(`message ${i}`));
    if (outcome.kind !== "dropped") correlator.remember(outcome.event);
    return outcome;
  });
  expect(outcomes.slice(0, 9).map(({ kind }) => kind)).toEqual(Array(9).fill("create"));
  expect(outcomes[9]).toMatchObject({
    kind: "create",
    event: { message: "(combined from similar events): message 9" },
  });
  expect(outcomes[11]).toMatchObject({
    kind: "repeat",
    event: { count: 3, message: "(combined from similar events): message 11" },
  });
});

test("an object may say twenty-five things at once, then one in five minutes; others are not held back", () => {
  const correlator = new EventCorrelator(new VirtualClock());
  const kinds = Array.from({ length: 30 }, () => correlator.correlate(anEvent("noise")).kind);
  expect(kinds.filter((kind) => kind === "dropped")).toHaveLength(5);
  expect(correlator.correlate(anEvent("quiet", "other")).kind).toBe("create");
});
