import { expect, test } from "@jest/globals";
import type { Service } from "../../machinery/api/core-v1.js";
import { systemClock } from "../../machinery/runtime/system-clock.js";
import { HostCloud } from "./host-cloud.js";

const aService = (name: string, ports: Partial<Service["spec"]["ports"]> = [], ip?: string): Service =>
  ({
    metadata: { name, namespace: "default" },
    spec: { ports },
    status: { loadBalancer: ip ? { ingress: [{ ip }] } : {} },
  }) as unknown as Service;
const HTTP = { name: "http", port: 80, protocol: "TCP" as const, targetPort: 8080, nodePort: 30_080 };

/** A machine on which port 443 is taken. */
function aCloud() {
  const open = new Set<string>();
  const cloud = new HostCloud({
    clock: systemClock(),
    loopbackIndex: 7,
    lease: async function* (query, signal) {
      const [ip, port] = [query.get("ip") ?? "", Number(query.get("port"))];
      const actual = { ip, port: port === 443 ? 40_443 : port };
      const text = `${query.get("servicePort")} ${actual.ip}:${actual.port} ${query.get("nodePort")}`;
      open.add(text);
      yield { actual };
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      open.delete(text);
    },
  });
  return { cloud, open };
}
const forever = new AbortController().signal;
const settled = () => new Promise((resolve) => process.nextTick(resolve)).then(() => Promise.resolve());

test("each Service has an address of this machine, its ports open there until it is deleted", async () => {
  const { cloud, open } = aCloud();
  const { ingress, warnings } = await cloud.ensure("default/web", aService("web", [HTTP]), [], forever);
  expect({ ingress, warnings }).toEqual({ ingress: [{ ip: "127.7.1.1", ipMode: "VIP" }], warnings: [] });
  await cloud.ensure("default/api", aService("api", [HTTP]), [], forever);
  expect([...open]).toEqual(["default/web:http 127.7.1.1:80 30080", "default/api:http 127.7.1.2:80 30080"]);
  await cloud.delete("default/web");
  await settled();
  expect([...open]).toEqual(["default/api:http 127.7.1.2:80 30080"]);
  expect([cloud.has("default/web"), cloud.has("default/api")]).toEqual([false, true]);
  await cloud.delete("default/api");
});

test("an address is kept over a restart of the controller, and a change of ports opens them anew", async () => {
  const { cloud, open } = aCloud();
  const { ingress } = await cloud.ensure("default/web", aService("web", [HTTP], "127.7.1.9"), [], forever);
  expect(ingress[0]?.ip).toBe("127.7.1.9");
  const changed = aService("web", [{ ...HTTP, port: 8080 }], "127.7.1.9");
  await cloud.ensure("default/web", changed, [], forever);
  await settled();
  expect([...open]).toEqual(["default/web:http 127.7.1.9:8080 30080"]);
  await cloud.delete("default/web");
});

test("a port that is taken is told, and SCTP cannot be balanced", async () => {
  const { cloud, open } = aCloud();
  const https = aService("web", [{ ...HTTP, port: 443 }]);
  expect((await cloud.ensure("default/web", https, [], forever)).warnings).toEqual([
    "127.7.1.1:443 cannot be had on this machine: 127.7.1.1:40443 is used instead",
  ]);
  const sctp = aService("sctp", [{ ...HTTP, protocol: "SCTP" }]);
  await expect(cloud.ensure("default/sctp", sctp, [], forever)).rejects.toThrow("cannot balance SCTP");
  await cloud.delete("default/web");
  await settled();
  expect(open.size).toBe(0);
});

test("everything closes when the controller stops", async () => {
  const { cloud, open } = aCloud();
  const running = new AbortController();
  await cloud.ensure("default/web", aService("web", [HTTP]), [], running.signal);
  running.abort();
  await settled();
  expect(open.size).toBe(0);
});

test("annotations that ask for what a balancer of this machine is not are named, those that it is are not", async () => {
  const { cloud } = aCloud();
  const aws = "service.beta.kubernetes.io/aws-load-balancer-";
  const service = aService("web", [HTTP]);
  service.metadata.annotations = { [`${aws}type`]: "nlb", [`${aws}internal`]: "true", team: "shop" };
  const sentence = `annotation ${aws}internal: true has no effect on the balancers of this machine`;
  expect((await cloud.ensure("default/web", service, [], forever)).ignored).toEqual([sentence]);
  delete service.metadata.annotations[`${aws}internal`];
  expect((await cloud.ensure("default/web", service, [], forever)).ignored).toEqual([]);
  await cloud.delete("default/web");
});
