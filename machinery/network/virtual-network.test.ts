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

test("with a duplicate address packets go to the host that came last, and back to the first when that is gone", async () => {
  const network = aNetwork();
  const client = network.addHost("10.244.0.9");
  const serve = (name: string, takesOver: boolean) => {
    const host = network.addHost("10.244.0.2", { takesOver });
    host.listen(80, (connection) => {
      void connection.write(Buffer.from(name));
      connection.end();
    });
    return host;
  };
  const ask = async (): Promise<string | undefined> =>
    text(await (await client.connect({ ip: "10.244.0.2", port: 80 })).read());
  const first = serve("first", false);
  expect(() => network.addHost("10.244.0.2")).toThrow("already a host");
  const second = serve("second", true);
  expect(await ask()).toBe("second");
  second.remove("reset");
  expect(await ask()).toBe("first");
  serve("third", true);
  first.remove("reset");
  expect(await ask()).toBe("third");
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

test("a host of two families dials each under its own address, and what it has no family for is unreachable", async () => {
  const network = aNetwork();
  const server = network.addHost(["10.244.0.2", "fd00:10:244:0:0:0:0:2"]);
  const seen: string[] = [];
  server.listen(80, ({ remote }) => void seen.push(remote.ip));
  const client = network.addHost(["10.244.0.3", "fd00:10:244::3"]);
  await client.connect({ ip: "10.244.0.2", port: 80 });
  await client.connect({ ip: "FD00:10:244::0:2", port: 80 });
  await server.connect({ ip: "::1", port: 80 });
  expect(seen).toEqual(["10.244.0.3", "fd00:10:244::3", "::1"]);
  const old = network.addHost("10.244.0.4");
  await expect(old.connect({ ip: "fd00:10:244::2", port: 80 })).rejects.toMatchObject({
    reason: "unreachable",
  });
  const socket = server.bindUdp(53);
  client.bindUdp(5000).send({ ip: "fd00:10:244::2", port: 53 }, Buffer.from("query"));
  expect((await socket.receive())?.from).toEqual({ ip: "fd00:10:244::3", port: 5000 });
  server.remove("reset");
  expect(network.host("fd00:10:244::2")).toBeUndefined();
});

test("a host with an address of each family calls and is called with the one of the same family", async () => {
  const network = aNetwork();
  const server = network.addHost(["10.244.0.2", "FD00:10:244:0::2"]);
  const client = network.addHost(["10.244.0.3", "fd00:10:244::3"]);
  const callers: string[] = [];
  server.listen(80, ({ remote, local }) => void callers.push(`${remote.ip} > ${local.ip}`));
  await client.connect({ ip: "10.244.0.2", port: 80 });
  await client.connect({ ip: "fd00:10:244:0:0::2", port: 80 });
  await client.connect({ ip: "::ffff:10.244.0.2", port: 80 });
  expect(callers).toEqual([
    "10.244.0.3 > 10.244.0.2",
    "fd00:10:244::3 > fd00:10:244::2",
    "10.244.0.3 > 10.244.0.2",
  ]);
  const alone = network.addHost("10.244.0.4");
  await expect(alone.connect({ ip: "fd00:10:244::2", port: 80 })).rejects.toMatchObject({
    reason: "unreachable",
  });
  server.remove("reset");
  await expect(client.connect({ ip: "fd00:10:244::2", port: 80 })).rejects.toMatchObject({
    reason: "unreachable",
  });
});

test("a listener on 0.0.0.0 takes IPv4 alone, one on :: takes both families, and ::1 is loopback", async () => {
  const pod = aNetwork().addHost(["10.244.0.2", "fd00::2"]);
  const reaches = async (ip: string): Promise<boolean> => {
    try {
      (await pod.connect({ ip, port: 80 })).reset();
      return true;
    } catch {
      return false;
    }
  };
  const all = ["10.244.0.2", "127.0.0.1", "fd00::2", "::1"];
  const reached = () => Promise.all(all.map(reaches));
  const four = pod.listen(80, () => {}, { ip: "0.0.0.0" });
  expect(await reached()).toEqual([true, true, false, false]);
  expect(() => pod.listen(80, () => {}, { ip: "::" })).toThrow("address already in use");
  const loopback = pod.listen(80, ({ remote }) => expect(remote.ip).toBe("::1"), { ip: "::1" });
  expect(await reached()).toEqual([true, true, false, true]);
  four.close();
  loopback.close();
  pod.listen(80, () => {}, { ip: "::" });
  expect(await reached()).toEqual([true, true, true, true]);
  expect(() => pod.listen(80, () => {}, { ip: "127.0.0.1" })).toThrow("address already in use");
});

test("datagrams of both families reach one socket, and its answers go back the way they came", async () => {
  const network = aNetwork();
  const server = network.addHost(["10.244.0.2", "fd00::2"]).bindUdp(53);
  const client = network.addHost(["10.244.0.3", "fd00::3"]).bindUdp(0);
  for (const ip of ["10.244.0.2", "fd00::2"]) {
    client.send({ ip, port: 53 }, Buffer.from("query"));
    const query = await server.receive();
    if (query) server.send(query.from, Buffer.from("answer"));
    expect((await client.receive())?.from).toEqual({ ip, port: 53 });
  }
});
