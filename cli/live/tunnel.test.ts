import { expect, test } from "@jest/globals";
import type { Service } from "../../machinery/api/core-v1.js";
import type { RestClient } from "../../machinery/client/rest-client.js";
import { systemClock } from "../../machinery/runtime/system-clock.js";
import type { ClusterAdmin } from "../objects/cluster-admin.js";
import { Tunnel } from "./tunnel.js";

/** A tunnel beside an API server and a data plane that note what they are asked for. */
function aTunnel() {
  const statuses: [string, string | null][] = [];
  const open = new Set<string>();
  const printed: string[] = [];
  const client = {
    patch: (
      _: unknown,
      { name }: { name: string },
      { body }: { body: { status: { loadBalancer: { ingress: { ip: string }[] | null } } } },
    ) => {
      statuses.push([name, body.status.loadBalancer.ingress?.[0]?.ip ?? null]);
      return Promise.resolve({});
    },
  } as unknown as RestClient;
  const admin = {
    async *stream(_: string, path: string, signal: AbortSignal) {
      const query = new URL(path, "http://admin").searchParams;
      const address = { ip: query.get("ip"), port: Number(query.get("port")) };
      const key = `${query.get("servicePort")} ${address.ip}:${address.port}`;
      open.add(key);
      yield { actual: address };
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      open.delete(key);
    },
  } as unknown as ClusterAdmin;
  const tunnel = new Tunnel({
    client,
    admin,
    clock: systemClock(),
    loopbackIndex: 3,
    print: (line) => printed.push(line),
  });
  return { tunnel, statuses, open, printed };
}

const aService = (name: string, spec: Partial<Service["spec"]> = {}, ip?: string): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: "default", uid: `uid-${name}` } as Service["metadata"],
  spec: {
    type: "LoadBalancer",
    sessionAffinity: "None",
    ports: [{ port: 80, protocol: "TCP", targetPort: 80 }],
    ...spec,
  },
  status: { loadBalancer: ip === undefined ? {} : { ingress: [{ ip }] } },
});

test("each LoadBalancer gets an address of its own, and none is left when the tunnel ends", async () => {
  const { tunnel, statuses, open } = aTunnel();

  await tunnel.follow([aService("a"), aService("b"), aService("c", { type: "NodePort" })]);
  expect([...open]).toEqual(["default/a 127.3.1.1:80", "default/b 127.3.1.2:80"]);
  await tunnel.close();

  expect(statuses).toEqual([
    ["a", "127.3.1.1"],
    ["b", "127.3.1.2"],
    ["a", null],
    ["b", null],
  ]);
  expect(open.size).toBe(0);
});

test("a Service keeps the address that an earlier tunnel left it", async () => {
  const { tunnel, statuses } = aTunnel();

  await tunnel.follow([aService("a", {}, "127.3.1.9"), aService("b")]);
  await tunnel.close();

  expect(statuses.slice(0, 2)).toEqual([
    ["a", "127.3.1.9"],
    ["b", "127.3.1.1"],
  ]);
});

test("a Service that is seen again unchanged keeps its ports; one whose ports change gets new ones", async () => {
  const { tunnel, statuses, open } = aTunnel();
  await tunnel.follow([aService("a")]);
  await tunnel.follow([aService("a", {}, "127.3.1.1")]);
  expect(statuses).toHaveLength(1);

  await tunnel.follow([aService("a", { ports: [{ port: 81, protocol: "TCP", targetPort: 80 }] })]);

  expect([...open]).toEqual(["default/a 127.3.1.1:81"]);
  await tunnel.close();
});

test("a Service that is deleted, changes its type or has a class of its own loses its address", async () => {
  const { tunnel, open } = aTunnel();
  await tunnel.follow([aService("a"), aService("b"), aService("c", { loadBalancerClass: "other.dev/lb" })]);
  expect(open.size).toBe(2);

  await tunnel.follow([aService("b", { type: "ClusterIP" })]);

  expect(open.size).toBe(0);
  await tunnel.close();
});

test("an SCTP port is left out with a word", async () => {
  const { tunnel, statuses, open, printed } = aTunnel();

  await tunnel.follow([aService("a", { ports: [{ port: 9, protocol: "SCTP", targetPort: 9 }] })]);

  expect(open.size).toBe(0);
  expect(statuses).toEqual([]);
  expect(printed).toEqual(["default/a  port 9 is SCTP, which this machine cannot balance"]);
  await tunnel.close();
});
