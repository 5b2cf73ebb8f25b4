import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { eventually, LiveCluster, run, words } from "../testkit/live-cluster.js";

// The ways from this machine into a cluster of real processes.

const TITLE = "<title>Welcome to nginx!</title>";
let cluster: LiveCluster;

beforeAll(async () => {
  cluster = await LiveCluster.up("getting-in");
  await cluster.cli("apply", "-f", "manifests/examples");
  const ready = await cluster.cli("rollout", "status", "deployment/web", "--timeout=30s");
  expect(ready.code).toBe(0);
}, 90_000);

afterAll(async () => {
  await cluster.dispose();
}, 30_000);

/** A verb that runs until it is interrupted. */
const background = (...args: string[]) => cluster.background("kubesim", args);

test("service --url prints a URL that answers, and says when a Service has none", async () => {
  const { stdout } = await cluster.cli("service", "web-nodeport", "--url", "--wait", "20");
  const without = await cluster.cli("service", "web", "--url");

  expect(await (await fetch(stdout.trim())).text()).toContain(TITLE);
  expect(without.stderr).toMatch(/^error: service default\/web has no node port/);
  expect(without.code).toBe(1);
  expect((await cluster.cli("service", "list")).stdout).toMatch(/^default +web +No node port$/m);
}, 60_000);

test("ssh runs a program in a node's network and passes its exit code on", async () => {
  const nodePort = await cluster.cli(...words("ssh node-2 -- curl -s http://localhost:30080"));
  const closed = await cluster.cli(...words("ssh node-2 -- curl -s http://localhost:30099"));

  expect(nodePort.stdout).toContain(TITLE);
  expect(nodePort.code).toBe(0);
  expect(closed.code).toBe(7);
  expect((await cluster.cli("ssh", "node-1", "--", "sh", "-c", "exit 9")).code).toBe(9);
}, 60_000);

test("a node's own localhost:nodePort answers where the proxy's rules see loopback packets, and only there", async () => {
  const answers: Record<string, number[]> = {};
  const curl = async (url: string) => (await cluster.cli(...words(`ssh node-1 -- curl -s ${url}`))).code;
  for (const mode of ["userspace", "ipvs", "nftables", "iptables"]) {
    expect((await cluster.cli("proxy-mode", mode)).code).toBe(0);
    answers[mode] = [await curl("http://localhost:30080"), await curl("http://172.18.0.3:30080")];
  }
  expect(answers).toEqual({ userspace: [0, 0], ipvs: [7, 0], nftables: [7, 0], iptables: [0, 0] });
}, 60_000);

test("the gateway takes curl into the cluster by name, over SOCKS5 and HTTP", async () => {
  const gateway = background("gateway", "--port", "0");
  const at = await gateway.prints(/(127\.0\.0\.1:\d+)/);

  const socks = await run("curl", words(`-s -m 10 --socks5-hostname ${at} http://web.default`));
  const plain = await run("curl", words(`-s -m 10 --proxy http://${at} http://web`));
  const tunnelled = await run("curl", words(`-s -m 10 -p --proxy http://${at} http://web.default.svc`));

  for (const { stdout } of [socks, plain, tunnelled]) expect(stdout).toContain(TITLE);
  expect(await gateway.end()).toBe(0);
}, 60_000);

test("LoadBalancers are pending before the tunnel and after it, and answer while it runs", async () => {
  await cluster.cli("patch", "svc", "service-python-loadbalancer", "--type=merge", "-p", PATCH);
  const externalIP = async () =>
    (await cluster.cli("get", "svc", "service-python-loadbalancer")).stdout.split("\n")[1]?.split(/ +/)[3];
  expect(await externalIP()).toBe("<pending>");

  const tunnel = background("tunnel");
  const at = await tunnel.prints(/service-python-loadbalancer {2}([\d.]+:\d+)/);
  await eventually(async () => (await (await fetch(`http://${at}`)).text()).includes(TITLE));
  expect(await externalIP()).toBe(at.split(":")[0]);

  const second = await cluster.cli("tunnel");
  expect([second.code, second.stderr]).toEqual([1, "error: another tunnel is running\n"]);

  expect(await tunnel.end()).toBe(0);
  expect(await externalIP()).toBe("<pending>");
}, 60_000);

test("a tunnel that is killed leaves no address behind, and its Service gets the same one again", async () => {
  const externalIP = async () =>
    (await cluster.cli("get", "svc", "service-python-loadbalancer")).stdout.split("\n")[1]?.split(/ +/)[3];
  const killed = background("tunnel");
  const at = await killed.prints(/service-python-loadbalancer {2}([\d.]+:\d+)/);
  await killed.end("SIGKILL");
  await eventually(async () => (await externalIP()) === "<pending>");

  const tunnel = background("tunnel");
  expect(await tunnel.prints(/service-python-loadbalancer {2}([\d.]+:\d+)/)).toBe(at);
  expect(await tunnel.end()).toBe(0);
}, 60_000);

test("two clusters side by side have the same node port, each at its own addresses", async () => {
  const other = await LiveCluster.up("getting-in-too", "-f", "manifests/demo");
  try {
    const urls = await Promise.all([
      cluster.cli("service", "web-nodeport", "--url", "--wait", "20"),
      other.cli("service", "web-nodeport", "--url", "--wait", "20"),
    ]);
    const [ours = "", theirs = ""] = urls.map(({ stdout }) => stdout.trim());
    expect(theirs).not.toBe(ours);
    const pods = await Promise.all([ours, theirs].map(async (url) => (await fetch(url)).text()));
    for (const page of pods) expect(page).toContain(TITLE);
    const own = async (of: LiveCluster) =>
      (await of.status()).hostPorts.filter(
        ({ wanted, actual }) => /^127\.[1-9]\d*\.0\.\d+:30080$/.test(wanted) && wanted === actual,
      );
    // Where loopback has only 127.0.0.1 no node has an address of its own.
    const [first, second] = [await own(cluster), await own(other)];
    expect(first.length).toBe(second.length);
    const addresses = [...first, ...second].map(({ wanted }) => wanted);
    expect(new Set(addresses).size).toBe(addresses.length);
    // One of them has the port itself, unless a third cluster of this machine has it.
    const told = await Promise.all([cluster, other].map(async (of) => (await of.kubesim("status")).stdout));
    expect(told.join("")).toContain("default/web-nodeport: 127.0.0.1:30080 is on 127.0.0.1:");
  } finally {
    await other.dispose();
  }
}, 90_000);

const PATCH = JSON.stringify({
  spec: { selector: { app: "web", run: null }, ports: [{ port: 3000, targetPort: 80 }] },
});

test("reach finds the access table of the Service types by trying it", async () => {
  const { stdout } = await cluster.cli("reach", "-o", "json");
  const rows = JSON.parse(stdout) as {
    service: string;
    way: string;
    pod: string;
    node: string;
    host: string;
  }[];
  const row = (service: string, way: string) =>
    rows.find((each) => each.service === `default/${service}` && each.way === way);

  expect(row("web", "cluster IP")).toMatchObject({ pod: "yes", node: "yes" });
  expect(row("web", "cluster IP")?.host).not.toMatch(/^yes/);
  expect(row("web", "pod IP")).toMatchObject({ pod: "yes", node: "yes" });
  expect(row("web-nodeport", "node port")).toMatchObject({
    pod: "yes",
    node: "yes",
    host: expect.stringMatching(/^yes, 127\.0\.0\.1:\d+$/) as never,
  });
  const dns = JSON.parse((await cluster.cli("reach", "kube-dns", "-n", "kube-system", "-o", "json")).stdout);
  expect(dns[0]).toMatchObject({ way: "cluster IP", protocol: "UDP", pod: "yes", node: "yes" });
  expect(row("service-python-externalname", "CNAME")?.pod).toBe("CNAME remote.server.url.com");
}, 60_000);
