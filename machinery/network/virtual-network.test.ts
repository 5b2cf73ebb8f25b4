import { expect, test } from "@jest/globals";
import { seededRng } from "../runtime/seeded-rng.js";
import { systemClock } from "../runtime/system-clock.js";
import { connectionPair } from "./memory-pipe.js";
import { ConnectionError } from "./network.js";
import type { Uplink } from "./uplink.js";
import { VirtualNetwork } from "./virtual-network.js";

/** A wire with no services: what one host sends, the other gets. */
function aNetwork(): VirtualNetwork {
  const clock = systemClock();
  const uplink: Uplink = {
    dial: async (from, to) => {
      const [near, far] = connectionPair({
        clock,
        near: { local: from, remote: to },
        far: { local: to, remote: from },
      });
      const outcome = network.acceptConnection(from, to, () => far);
      if (outcome === "open") return near;
      throw new ConnectionError(outcome);
    },
    sendDatagram: (from, to, bytes) => network.acceptDatagram(from, to, bytes),
  };
  const network: VirtualNetwork = new VirtualNetwork({ clock, rng: seededRng("hosts"), uplink });
  return network;
}

const text = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString();

test("a pod reaches a listener of another pod, and refused and unreachable are told apart", async () => {
  const network = aNetwork();
  const server = network.addHost("10.244.0.2");
  const client = network.addHost("10.244.0.3");
  server.listen(80, (connection) => {
    void connection.write(Buffer.from(`hello ${connection.remote.ip}`));
    connection.end();
  });
  const connection = await client.connect({ ip: "10.244.0.2", port: 80 });
  expect(text(await connection.read())).toBe("hello 10.244.0.3");
  expect(connection.local.port).toBeGreaterThanOrEqual(32_768);
  expect(connection.local.port).toBeLessThanOrEqual(60_999);
  await expect(client.connect({ ip: "10.244.0.2", port: 81 })).rejects.toMatchObject({ reason: "refused" });
  await expect(client.connect({ ip: "10.244.9.9", port: 80 })).rejects.toMatchObject({
    reason: "unreachable",
  });
});

test("loopback and the pod's own address stay inside the pod", async () => {
  const network = aNetwork();
  const pod = network.addHost("10.244.0.2");
  pod.listen(8080, (connection) => connection.end(), { ip: "127.0.0.1" });
  const connection = await pod.connect({ ip: "127.0.0.1", port: 8080 });
  expect(await connection.read()).toBeUndefined();
  await expect(pod.connect({ ip: "10.244.0.2", port: 8080 })).rejects.toMatchObject({ reason: "refused" });
  expect(() => pod.listen(8080, () => {})).toThrow("address already in use");
});

test("removing a pod resets its connections, and a lost node leaves them half-open", async () => {
  const network = aNetwork();
  const client = network.addHost("10.244.0.9");
  for (const how of ["reset", "vanish"] as const) {
    const server = network.addHost("10.244.0.2");
    server.listen(80, () => {});
    const connection = await client.connect({ ip: "10.244.0.2", port: 80 });
    server.remove(how);
    if (how === "reset") await expect(connection.read()).rejects.toMatchObject({ reason: "reset" });
    else {
      const outcome = await Promise.race([connection.read(), client.bindUdp(0) && Promise.resolve("silent")]);
      expect(outcome).toBe("silent");
    }
    await expect(client.connect({ ip: "10.244.0.2", port: 80 })).rejects.toMatchObject({
      reason: "unreachable",
    });
  }
});

test("datagrams reach a bound UDP port and are lost otherwise", async () => {
  const network = aNetwork();
  const server = network.addHost("10.244.0.2").bindUdp(53);
  const client = network.addHost("10.244.0.3").bindUdp(0);
  client.send({ ip: "10.244.0.2", port: 54 }, Buffer.from("lost"));
  client.send({ ip: "10.244.0.2", port: 53 }, Buffer.from("query"));
  const datagram = await server.receive();
  expect(text(datagram?.bytes)).toBe("query");
  expect(datagram?.from).toEqual(client.address);
  server.close();
  expect(await server.receive()).toBeUndefined();
});
