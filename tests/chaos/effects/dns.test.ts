import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { faults } from "../../../chaos/faults.js";
import { parseScenario } from "../../../chaos/scenario/parse.js";
import { app, client, Lab, service } from "./lab.js";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.start({ dns: true, manifests: [app("web"), service("web"), client()] });
});
afterEach(() => lab.stop());

const wget = async (): Promise<string> => (await lab.sh("client", "wget -T 3 -qO- http://web")).output;
const lookup = async (name = "web.default.svc.cluster.local"): Promise<string> =>
  (await lab.sh("client", `nslookup ${name}`)).output;
const GOOD = /^<!DOCTYPE html>/;

test("dns-nxdomain: names that match do not exist, others do", async () => {
  expect(await wget()).toMatch(GOOD);
  const fault = await lab.inject("dns-nxdomain", { parameters: { names: ["web.*"] } });

  expect(await wget()).toContain("bad address 'web'");
  expect(await lookup("kubernetes.default.svc.cluster.local")).toContain("10.96.0.1");
  await fault.heal();
  expect(await wget()).toMatch(GOOD);
});

test("dns-servfail: wget fails with bad address", async () => {
  await lab.inject("dns-servfail");

  expect(await wget()).toContain("bad address 'web'");
  expect(await lookup()).toContain("SERVFAIL");
});

test("dns-random: names lead to addresses that are nobody's", async () => {
  const right = await lookup();
  await lab.inject("dns-random", { parameters: { names: ["web.default.svc.*"] } });

  expect(await lookup()).not.toBe(right);
  expect(await wget()).not.toMatch(GOOD);
});

test("dns-truncated: the resolver comes again over TCP", async () => {
  const overTcp = (): number =>
    lab.cluster.flows().filter(({ servicePort }) => servicePort === "kube-system/kube-dns:dns-tcp").length;
  expect(overTcp()).toBe(0);
  await lab.inject("dns-truncated");

  expect(await wget()).toMatch(GOOD);
  expect(overTcp()).toBeGreaterThan(0);
});

test("dns-delay: a look-up takes as much longer", async () => {
  await lab.inject("dns-delay", { parameters: { delay: 2000 } });
  const beforeMs = lab.cluster.clock.monotonicMs();
  await wget();

  expect(lab.cluster.clock.monotonicMs() - beforeMs).toBeGreaterThan(2000);
});

test("dns-stale: a Service that is made now does not exist for cluster DNS until it hears again", async () => {
  const fault = await lab.inject("dns-stale");
  await lab.apply(service("late"));
  await lab.run(5000);

  expect(await lookup("late.default.svc.cluster.local")).toContain("NXDOMAIN");
  await fault.heal();
  await lab.run(40_000);
  expect(await lookup("late.default.svc.cluster.local")).toMatch(/Address: 10\.(9[6-9]|1[01]\d)\./);
});

test("dns-replica-behind: the answer depends on which replica is asked", async () => {
  await lab.inject("dns-replica-behind", { target: { mode: "one" }, parameters: { lag: 60_000 } });
  await lab.apply(service("late"));
  await lab.run(1000);
  const answers = new Set<boolean>();
  for (let i = 0; i < 12; i++)
    answers.add((await lookup("late.default.svc.cluster.local")).includes("NXDOMAIN"));

  expect(answers).toEqual(new Set([true, false]));
});

test("a scenario need not say which pods are cluster DNS", () => {
  const spec = { faults: [{ fault: "dns-servfail", at: "1s", duration: "2s", target: { mode: "all" } }] };
  const head = { apiVersion: "chaos.kubesim.dev/v1", kind: "Scenario", metadata: { name: "dns" } };

  expect(parseScenario({ ...head, spec }, { faults, checkers: [] }).errors).toEqual([]);
});
