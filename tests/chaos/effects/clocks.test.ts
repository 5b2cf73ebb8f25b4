import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { leases } from "../../../machinery/api/coordination-v1.js";
import { nodes } from "../../../machinery/api/core-v1.js";
import { app, Lab } from "./lab.js";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.start({ manifests: [app("web", { replicas: 1 })] });
});
afterEach(() => lab.stop());

const kubelet = { target: { component: "kubelet" as const } };
/** How far the kubelets' latest heartbeat is from the right time. */
async function heartbeatOffMs(): Promise<number> {
  const { spec } = await lab.do(lab.client.get(leases, { namespace: "kube-node-lease", name: "node-1" }));
  return Date.parse(spec.renewTime ?? "") - lab.cluster.clock.nowMs();
}

test("clock-skew: a kubelet that is behind renews its lease with times that are over already", async () => {
  const fault = await lab.inject("clock-skew", { ...kubelet, parameters: { offset: 120_000, behind: true } });
  await lab.run(15_000);

  expect(await heartbeatOffMs()).toBeLessThan(-110_000);
  await fault.heal();
  await lab.run(15_000);
  expect(await heartbeatOffMs()).toBeGreaterThan(-15_000);
});

test("clock-drift: a fast kubelet renews its lease more often", async () => {
  const renewals = (): number => paths.filter((path) => path.includes("/leases/node-1")).length;
  const paths = lab.requests("kubelet");
  await lab.run(60_000);
  const usual = renewals();
  await lab.inject("clock-drift", { ...kubelet, parameters: { share: 100 } });
  await lab.run(60_000);

  expect(renewals() - usual).toBeGreaterThan(usual * 1.5);
});

test("clock-strobe: the kubelet's time jumps to and fro", async () => {
  await lab.inject("clock-strobe", { ...kubelet, parameters: { offset: 600_000, every: 7000 } });
  const seen = new Set<boolean>();
  for (let i = 0; i < 8; i++) {
    await lab.run(10_000);
    seen.add((await heartbeatOffMs()) > 300_000);
  }

  expect(seen).toEqual(new Set([true, false]));
  expect((await lab.do(lab.client.list(nodes))).items).toHaveLength(3);
});
