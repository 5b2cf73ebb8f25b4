import { expect, test } from "@jest/globals";
import { parseHttpUrl } from "../kubelet-sim/shell/http-url.js";
import { TestPods } from "./testkit/pods.js";

const DUAL = { podCIDRs: ["10.244.0.0/24", "fd00:10:244::/64"] };
const NETSHOOT = { image: "nicolaka/netshoot:latest" };

test("a pod has an address of each family, of its node's ranges, and gives both back", async () => {
  const pods = new TestPods({ ...DUAL, ipReuse: "immediate" });
  const first = await pods.create();
  expect(first.sandbox.ips).toEqual(["10.244.0.2", "fd00:10:244::2"]);
  expect((await pods.create()).sandbox.ips).toEqual(["10.244.0.3", "fd00:10:244::3"]);
  await first.sandbox.remove();
  expect((await pods.create()).sandbox.ips).toEqual(["10.244.0.2", "fd00:10:244::2"]);
});

test("after a restart a node goes on behind the addresses that it gave out, in both families", async () => {
  const pods = new TestPods({ ...DUAL, usedIPs: ["10.244.0.7", "fd00:10:244::9", "10.9.9.9"] });
  expect((await pods.create()).sandbox.ips).toEqual(["10.244.0.8", "fd00:10:244::a"]);
});

test("a pod without a free address in one family gets none of the other", async () => {
  const pods = new TestPods({ podCIDRs: ["10.244.0.0/24", "fd00::/126"] });
  await pods.create();
  await expect(pods.create()).rejects.toThrow("no IP addresses available in range set");
  await expect(pods.create()).rejects.toThrow("no IP addresses available in range set");
});

test("curl, wget and nc reach a pod by its IPv6 address, in any spelling, and the server sees IPv6", async () => {
  const pods = new TestPods(DUAL);
  await pods.start({ image: "nginx" });
  const shell = (script: string) => pods.sh(script, NETSHOOT);
  expect((await shell("curl -sS http://[fd00:10:244::2]:80/")).stdout).toContain("Welcome to nginx!");
  expect((await shell("curl -sS http://[FD00:10:244:0::0002]")).stdout).toContain("Welcome to nginx!");
  expect((await shell("wget -qO- http://[fd00:10:244::2]/")).stdout).toContain("Welcome to nginx!");
  expect((await shell("nc -zv fd00:10:244::2 80")).exit.exitCode).toBe(0);
  expect((await shell("curl -sS http://[fd00:10:244::2]:81/")).exit.exitCode).toBe(7);
  const { sandbox, container } = await pods.start({ image: "hashicorp/http-echo", args: ["-text=hi"] });
  await shell(`curl -sS http://[${sandbox.ips[1]}]:5678/`);
  expect((await pods.output(container)).stdout).toMatch(/fd00:10:244::/);
});

test("/etc/hosts and ip addr tell both addresses", async () => {
  const pods = new TestPods(DUAL);
  const { stdout } = await pods.sh("cat /etc/hosts; ip addr; ip -6 route");
  expect(stdout).toContain("10.244.0.2\tpod-0\nfd00:10:244::2\tpod-0\n");
  expect(stdout).toContain("inet 10.244.0.2/24 brd 10.244.0.255 scope global eth0");
  expect(stdout).toContain("inet6 fd00:10:244::2/64 scope global eth0");
  expect(stdout).toContain("default via fd00:10:244::1 dev eth0");
});

test.each([
  ["http://[fd00::1]:8080/x?y", "fd00::1", 8080, "[fd00::1]:8080"],
  ["[fd00::1]", "fd00::1", 80, "[fd00::1]"],
  ["https://web:443", "web", 443, "web"],
])("the URL %s names host %s", (text, host, port, authority) => {
  expect(parseHttpUrl(text)).toMatchObject({ host, port, authority });
});

test("brackets around something else than an address are no URL", () => {
  for (const text of ["http://[web]/", "http://[fd00::1", "http://fd00::1/"])
    expect(parseHttpUrl(text)).toBeUndefined();
});
