import { afterEach, expect, test } from "@jest/globals";
import { silentLogger } from "../../machinery/api/logger.js";
import { MemoryCarriers } from "../../machinery/network/memory-carriers.js";
import type { Connection } from "../../machinery/network/network.js";
import { VirtualNetwork } from "../../machinery/network/virtual-network.js";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import { systemClock } from "../../machinery/runtime/system-clock.js";
import { turn } from "../../machinery/runtime/turn.js";
import { memoryDialer } from "./carrier-dialer.js";
import { DataPlane } from "./data-plane.js";
import { aBackend, aRoute } from "./testing.js";

const clock = systemClock();
const running: DataPlane[] = [];
afterEach(async () => {
  for (const dataPlane of running.splice(0)) await dataPlane.close();
});

const web = aRoute("default/web", {
  nodePort: 30_080,
  backends: [aBackend("10.244.2.2", { nodeName: "node-2" })],
});

/** The endpoint echoes from node-2; clients come from outside, by node-1's and node-2's addresses. */
async function aCluster() {
  const carriers = new MemoryCarriers({ clock, latency: () => 0 });
  const dataPlane = new DataPlane({
    clock,
    rng: seededRng("crash"),
    logger: silentLogger,
    dialCarrier: memoryDialer(carriers),
  });
  running.push(dataPlane);
  const network = new VirtualNetwork({ clock, rng: seededRng("network"), uplink: dataPlane });
  carriers.register("kubelet", network);
  const nodes = [1, 2].map((number) => ({
    nodeName: `node-${number}`,
    internalIP: `172.18.0.${number + 2}`,
    podCIDRs: [`10.244.${number}.0/24`],
    carrier: "kubelet",
  }));
  await dataPlane.program({
    nodes: { set: nodes, remove: [] },
    tables: [{ from: 0, to: 1, set: [web], remove: [] }],
  });
  network.addHost("10.244.2.2").listen(8080, (connection) => {
    void (async () => {
      for (let bytes = await connection.read(); bytes; bytes = await connection.read())
        await connection.write(bytes);
    })().catch(() => {});
  });
  const enter = async (number: number): Promise<Connection> => {
    const { connection } = await dataPlane.open({
      protocol: "TCP",
      from: { ip: "172.18.0.1", port: 40_000 + number },
      to: { ip: `172.18.0.${number + 2}`, port: 30_080 },
      enteredAt: `node-${number}`,
    });
    return connection;
  };
  return { dataPlane, enter };
}

async function echo(connection: Connection, text: string): Promise<string> {
  const answer = connection.read();
  await connection.write(Buffer.from(text));
  return Buffer.from((await answer) ?? []).toString();
}

test("a node that crashes takes the connections with it that its kernel translated, and no others", async () => {
  const { dataPlane, enter } = await aCluster();
  const [first, second] = [await enter(1), await enter(2)];
  expect([await echo(first, "a"), await echo(second, "b")]).toEqual(["a", "b"]);
  dataPlane.crashNode("node-1");
  const lost = echo(first, "lost");
  lost.catch(() => {});
  const outcome = await Promise.race([lost, turn().then(() => "silence")]);
  expect(outcome).toBe("silence");
  expect(await echo(second, "c")).toBe("c");
  dataPlane.bootNode("node-1");
  await expect(lost).rejects.toMatchObject({ reason: "reset" });
  expect(await echo(second, "d")).toBe("d");
  second.end();
});

test("a new table, an empty one and a proxy that is gone leave open connections alone", async () => {
  const { dataPlane, enter } = await aCluster();
  const connection = await enter(1);
  await dataPlane.program({ tables: [{ from: 1, to: 2, set: [], remove: ["default/web"] }] });
  expect(await echo(connection, "still here")).toBe("still here");
  await expect(enter(1)).rejects.toMatchObject({ reason: "unreachable" });
  connection.end();
});
