import { expect, test } from "@jest/globals";
import { configMaps } from "../machinery/api/core-v1.js";
import { SimulatedCluster } from "../simulation/cluster.js";

const newMap = (name: string) => ({ metadata: { name, namespace: "default" }, data: { key: name } });

/** A cluster, and a way to hold one of its faults for some simulated time. */
async function aCluster() {
  const cluster = await SimulatedCluster.start({ seed: 5 });
  const hold = (fault: string, forMs: number, target: unknown = { draw: 0.9 }) =>
    cluster.settle(
      cluster.faults.hold({ id: `t-${fault}`, fault, target, endsAtMs: cluster.clock.nowMs() + forMs }),
    );
  const isServing = () => cluster.processes.of("apiserver").isReady;
  const names = async () =>
    (await cluster.client.list(configMaps, { namespace: "default" })).items.map(
      ({ metadata }) => metadata.name,
    );
  return { cluster, hold, isServing, names };
}

test("a store with a damaged value keeps the API server down until it is mended, and nothing is lost", async () => {
  const { cluster, hold, isServing, names } = await aCluster();
  await cluster.settle(cluster.client.create(configMaps, newMap("kept")));

  const held = await hold("store-bit-flip", 5000);
  await cluster.run(2000);
  expect(isServing()).toBe(false);
  expect(String(cluster.processes.of("apiserver").failedStarts.at(-1))).toContain("fails its checksum");
  expect((await cluster.settle(held.healed)).error).toBeUndefined();
  await cluster.until(isServing, 30_000, "the API server serving again");

  expect(await cluster.settle(names())).toContain("kept");
  await cluster.stop();
});

test("a store that is put back to an older snapshot has forgotten what came after it", async () => {
  const { cluster, hold, isServing, names } = await aCluster();
  await cluster.settle(cluster.client.create(configMaps, newMap("before")));
  const held = await hold("store-rollback", 10_000);
  await cluster.until(isServing, 30_000, "the API server serving again");
  await cluster.settle(cluster.client.create(configMaps, newMap("after")));

  expect((await cluster.settle(held.healed)).error).toBeUndefined();
  await cluster.until(isServing, 30_000, "the API server serving again");

  const found = await cluster.settle(names());
  expect(found).toContain("before");
  expect(found).not.toContain("after");
  await cluster.stop();
});
