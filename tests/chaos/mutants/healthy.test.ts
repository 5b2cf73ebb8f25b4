import { expect, test } from "@jest/globals";
import { checkers } from "../../../chaos/checkers.js";
import { newTarget, newTrigger } from "../../../chaos/scenario/defaults.js";
import type { FaultSpec } from "../../../chaos/scenario/types.js";
import { aFault, judgedRun, killer } from "./judged-run.js";

/** What the cluster must bear: requests may fail, and so may pods, but nothing that an invariant is about. */
const early = newTrigger({ startMs: { min: 300, max: 1200 }, untilMs: 4000 });
const on = (component: "apiserver" | "controllers" | "kubelet" | "proxy" | "dataplane") =>
  newTarget({ component });
const node = newTarget({ name: "node-2" });
const web = newTarget({ name: "web" });
const BORNE: readonly (() => FaultSpec[])[] = [
  () => [killer(), aFault("watch-lag", { trigger: early, parameters: { lag: 300 }, target: on("proxy") })],
  () => [killer(), aFault("proxy-lag", { trigger: early, parameters: { lag: 400 }, target: node })],
  () => [killer(), aFault("process-restart", { trigger: early, target: on("controllers") })],
  () => [killer(), aFault("process-kill", { trigger: early, target: on("apiserver") })],
  () => [
    aFault("rolling-update", { trigger: early, target: web }),
    aFault("scale", { trigger: early, target: web, parameters: { replicas: 5 } }),
  ],
  () => [killer(), aFault("process-kill", { trigger: early, target: on("proxy") })],
  () => [aFault("node-crash", { trigger: early, target: node })],
  () => [killer(), aFault("watch-disconnect", { trigger: early, target: on("controllers") })],
  () => [killer(), aFault("process-kill", { trigger: early, target: on("dataplane") })],
  () => [killer(), aFault("store-kill-mid-write", { trigger: early, target: newTarget() })],
];

/** Others are about what a scenario promises its users, or need cluster DNS. */
const NOT_HERE = new Set([
  "request-budget",
  "latency-budget",
  "no-request-lost",
  "failures-explained",
  "dns-agrees",
]);
const invariants = checkers.map(({ name }) => name).filter((name) => !NOT_HERE.has(name));

test.each(Array.from({ length: 20 }, (_, i) => [String(100 + i)] as const))(
  "no invariant raises a false alarm with seed %s",
  async (seed) => {
    const faults = BORNE[Number(seed) % BORNE.length]?.() ?? [];
    const scenario = { durationMs: 4000 };
    const { run, violated, verdict } = await judgedRun({ invariants, seed, faults, scenario });

    expect(run.report?.history.faults.map(({ outcome }) => outcome)).toContain("injected");
    expect(violated.map((name) => [name, verdict(name).violations])).toEqual([]);
  },
);
