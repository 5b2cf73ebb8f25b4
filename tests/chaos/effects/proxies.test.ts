import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { runInPod } from "../../../chaos/pod-command.js";
import { pods } from "../../../machinery/api/core-v1.js";
import { app, client, Lab, service } from "./lab.js";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.start({ manifests: [app("web"), service("web", 30_080)] });
});
afterEach(() => lab.stop());

const second = { target: { name: "node-2" } };

async function kill(): Promise<string> {
  const routed = lab.backends("node-1");
  const pod = (await lab.pods()).find(({ status }) => routed.includes(status.podIP ?? ""));
  const name = pod?.metadata.name ?? "";
  await lab.do(lab.client.delete(pods, { namespace: "default", name }, { gracePeriodSeconds: 0 }));
  await lab.run(3000);
  return pod?.status.podIP ?? "";
}

test("proxy-stall: a deleted pod stays in the table of that node, and only there", async () => {
  const fault = await lab.inject("proxy-stall", second);
  const gone = await kill();

  expect(lab.backends("node-2")).toContain(gone);
  expect(lab.backends("node-1")).not.toContain(gone);
  await fault.heal();
  await lab.run(2000);
  expect(lab.backends("node-2")).toEqual(lab.backends("node-1"));
});

test("proxy-lag: the node hears so much later", async () => {
  await lab.inject("proxy-lag", { ...second, parameters: { lag: 6000 } });
  const gone = await kill();

  expect(lab.backends("node-2")).toContain(gone);
  await lab.run(5000);
  expect(lab.backends("node-2")).not.toContain(gone);
});

test("proxy-mode-switch: the node decides as another mode does, and again as before", async () => {
  const mode = async (): Promise<string | undefined> => {
    await lab.get(30_080);
    return lab.cluster.flows().at(-1)?.balancer;
  };
  expect(await mode()).toBe("iptables");
  const fault = await lab.inject("proxy-mode-switch", {
    target: { name: "*" },
    parameters: { proxyMode: "ipvs-lc" },
  });
  await lab.run(2000);

  expect(await mode()).toMatch(/^ipvs/);
  await fault.heal();
  await lab.run(2000);
  expect(await mode()).toBe("iptables");
});

test("proxy-min-sync-period: the second of two changes waits for the period", async () => {
  await lab.inject("proxy-min-sync-period", { parameters: { period: 20_000 } });
  await kill();
  const gone = await kill();

  expect(lab.backends("node-1")).toContain(gone);
  await lab.run(25_000);
  expect(lab.backends("node-1")).not.toContain(gone);
});

test("proxy-partial-sync: rules that are written do not take effect", async () => {
  const fault = await lab.inject("proxy-partial-sync", { parameters: { share: 100 } });
  const gone = await kill();

  expect(lab.backends("node-1")).toContain(gone);
  await fault.heal();
  await lab.run(3000);
  expect(lab.backends("node-1")).not.toContain(gone);
});

test("proxy-empty-tables: a node without rules reaches no Service", async () => {
  const fault = await lab.inject("proxy-empty-tables", { target: { name: "*" } });
  await lab.run(1000);

  expect(await lab.get(30_080)).not.toBe("200");
  expect(lab.routes("node-1")).toEqual([]);
  await fault.heal();
  await lab.run(5000);
  expect(await lab.get(30_080)).toBe("200");
});

/** What one client hears whose Service gets another pod between its two datagrams. */
async function askTwice(): Promise<{ heard: string; first: string; second: string }> {
  const container = {
    image: "registry.k8s.io/e2e-test-images/agnhost:2.53",
    args: ["netexec", "--http-port=80", "--udp-port=90"],
  };
  const udp = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "udp", namespace: "default" },
    spec: { selector: { app: "udp" }, ports: [{ port: 90, protocol: "UDP" }] },
  };
  await lab.apply(app("udp", { replicas: 1, container }), udp, client());
  await lab.settled();
  const nameOf = async (): Promise<string> => (await lab.pods("default", "app=udp"))[0]?.metadata.name ?? "";
  const first = await nameOf();
  const line = `(echo hostname; sleep 8; echo hostname; sleep 2) | nc -u -w 12 ${await lab.clusterIp("udp")} 90`;
  const asked = runInPod(
    lab.client,
    { namespace: "default", pod: "client", command: ["sh", "-c", line] },
    new AbortController().signal,
  );
  await lab.run(2000);
  await lab.do(lab.client.delete(pods, { namespace: "default", name: first }, { gracePeriodSeconds: 0 }));
  const { output } = await lab.do(asked);
  return { heard: output, first, second: await nameOf() };
}

test("conntrack-not-flushed: datagrams of one client go on to a pod that is gone", async () => {
  await lab.inject("conntrack-not-flushed");
  const { heard, first, second } = await askTwice();

  expect(heard).toContain(first);
  expect(heard).not.toContain(second);
});

test("when conntrack is flushed the next datagram goes to the pod that is there", async () => {
  const { heard, second } = await askTwice();

  expect(heard).toContain(second);
});
