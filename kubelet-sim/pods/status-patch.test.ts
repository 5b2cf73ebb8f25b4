import { expect, test } from "@jest/globals";
import type { PodStatus } from "../../machinery/api/core-v1.js";
import { statusPatch } from "./status-patch.js";

const before: PodStatus = {
  phase: "Running",
  podIP: "10.244.0.2",
  podIPs: [{ ip: "10.244.0.2" }],
  conditions: [
    { type: "Ready", status: "False", reason: "ContainersNotReady", message: "…", lastTransitionTime: "t1" },
    { type: "example.com/gate", status: "True" },
  ],
};

test("nothing is sent when nothing changed", () => {
  expect(statusPatch("u", before, structuredClone(before))).toBeUndefined();
});

test("only what changed is sent, and conditions of others are left alone", () => {
  const after: PodStatus = {
    ...before,
    conditions: [{ type: "Ready", status: "True", lastTransitionTime: "t2" }],
  };
  expect(statusPatch("u", before, after)).toEqual({
    metadata: { uid: "u" },
    status: {
      conditions: [{ type: "Ready", status: "True", lastTransitionTime: "t2", reason: null, message: null }],
    },
  });
});

test("a new pod IP replaces the old one in a list that is merged by IP", () => {
  const after: PodStatus = { ...before, podIP: "10.244.0.9", podIPs: [{ ip: "10.244.0.9" }] };
  expect(statusPatch("u", before, after)?.status.podIPs).toEqual([
    { ip: "10.244.0.9" },
    { $patch: "delete", ip: "10.244.0.2" },
  ]);
});
