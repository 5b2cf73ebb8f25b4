import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { FlowRecord } from "../../../proxy-sim/dataplane/flow-log.js";
import type { LinkEnd } from "../../../chaos/scenario/types.js";
import { client, Lab } from "./lab.js";

let lab: Lab;
/** Of the server, on another node than the client. */
let ip: string;
const server = (args: string[]) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "server", namespace: "default", labels: { app: "server" } },
  spec: {
    nodeName: "node-2",
    containers: [{ name: "server", image: "registry.k8s.io/e2e-test-images/agnhost:2.53", args }],
  },
});
beforeEach(async () => {
  lab = await Lab.start({
    manifests: [server(["netexec", "--http-port=80", "--udp-port=90"]), client("node-1")],
  });
  ip = (await lab.pod("server")).status.podIP ?? "";
});
afterEach(() => lab.stop());

const toServer: { from: LinkEnd; to: LinkEnd; direction: "to" } = {
  from: { kind: "pods", namespace: "default", name: "client" },
  to: { kind: "pods", namespace: "default", name: "server" },
  direction: "to",
};
const both = { ...toServer, direction: "both" as const };

const wget = async (): Promise<string> =>
  (await lab.sh("client", `wget -T 3 -qO- http://${ip}/hostname`)).output;
async function wgetMs(): Promise<number> {
  const beganMs = lab.cluster.clock.monotonicMs();
  await wget();
  return lab.cluster.clock.monotonicMs() - beganMs;
}
/** How many answers come to one datagram each. */
async function datagrams(count: number): Promise<number> {
  let answered = 0;
  for (let i = 0; i < count; i++)
    answered +=
      (await lab.sh("client", `echo hostname | nc -u -w 1 ${ip} 90`)).output.split("server").length - 1;
  return answered;
}
const flows = (): FlowRecord[] => lab.cluster.flows().filter(({ destination }) => destination === `${ip}:80`);

test("link-delay: each round trip takes twice as much longer", async () => {
  await lab.inject("link-delay", { target: both, parameters: { delay: 100 } });
  expect(await wgetMs()).toBeGreaterThan(400);
});

test("link-loss: TCP takes longer, and most datagrams are gone", async () => {
  await lab.inject("link-loss", { target: both, parameters: { share: 80 } });
  expect(await datagrams(8)).toBeLessThan(5);
});

test("link-corrupt: damaged datagrams are not taken", async () => {
  await lab.inject("link-corrupt", { target: toServer, parameters: { share: 100 } });
  expect(await datagrams(2)).toBe(0);
});

test("link-duplicate: a datagram is answered twice", async () => {
  expect(await datagrams(2)).toBe(2);
  await lab.inject("link-duplicate", { target: toServer, parameters: { share: 100 } });
  expect(await datagrams(2)).toBe(4);
});

test("link-reorder: what is overtaken comes later", async () => {
  await lab.inject("link-reorder", { target: toServer, parameters: { share: 100, delay: 2000 } });
  expect(await datagrams(1)).toBe(0);
});

test("link-bandwidth: an answer trickles", async () => {
  await lab.inject("link-bandwidth", { target: both, parameters: { bytesPerSecond: 200 } });
  expect(await wgetMs()).toBeGreaterThan(500);
});

test("partition: nothing passes, until it is healed", async () => {
  const fault = await lab.inject("partition", { target: toServer });
  expect(await wget()).toMatch(/timed out/);
  await fault.heal();
  expect(await wget()).toBe("server");
});

test("link-reset: new connections are refused", async () => {
  await lab.inject("link-reset", { target: both });
  expect(await wget()).toMatch(/reset|refused/);
});

test("half-open: an open connection falls silent, new ones work", async () => {
  await lab.inject("long-lived-connections", {
    parameters: { url: `http://${ip}/`, clients: 1, perSecond: 1 },
  });
  await lab.run(3000);
  const received = (): number | undefined => flows()[0]?.receivedBytes;
  await lab.inject("half-open", {
    target: { from: { kind: "pods", namespace: "default" }, direction: "both" },
  });
  const before = received();
  await lab.run(10_000);

  expect(received()).toBe(before);
  expect(await wget()).toBe("server");
});

test("slow-close: who reads to the end of a connection waits for it", async () => {
  await lab.inject("slow-close", { target: both, parameters: { delay: 4000 } });
  const beganMs = lab.cluster.clock.monotonicMs();
  await lab.sh("client", `printf 'GET /hostname HTTP/1.0\\r\\n\\r\\n' | nc ${ip} 80`);

  expect(lab.cluster.clock.monotonicMs() - beganMs).toBeGreaterThan(4000);
});

test("limit-bytes: the connection is reset after so many bytes", async () => {
  await lab.inject("limit-bytes", { target: both, parameters: { bytes: 20 } });
  expect(await wget()).toMatch(/reset/);
});
