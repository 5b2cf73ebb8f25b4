import { expect, test } from "@jest/globals";
import type { HttpRequest, HttpResponse, Transport } from "../machinery/api/http.js";
import { newPodVolume } from "../kubelet-sim/runtime/pod-volume.js";
import { TestPods } from "./testkit/pods.js";

const web = {
  metadata: { name: "web", namespace: "default", uid: "1", resourceVersion: "1" },
  spec: {
    type: "ClusterIP",
    clusterIP: "10.96.1.2",
    clusterIPs: ["10.96.1.2"],
    ports: [{ protocol: "TCP", port: 80 }],
  },
};
const namespace = { metadata: { name: "default", uid: "2", resourceVersion: "1" } };

/** Lists what it has; watches never end. `reachable` false: nobody answers. */
function anApi(state: { reachable: boolean }): Transport {
  return {
    request: async ({ path }: HttpRequest): Promise<HttpResponse> => {
      if (!state.reachable) return { status: 503, headers: {}, body: Buffer.from("{}") };
      const url = new URL(path, "http://x");
      if (url.searchParams.has("watch")) return { status: 200, headers: {}, body: endless() };
      const items = path.includes("/services") ? [web] : path.includes("/namespaces") ? [namespace] : [];
      const list = { kind: "List", apiVersion: "v1", metadata: { resourceVersion: "1" }, items };
      return { status: 200, headers: {}, body: Buffer.from(JSON.stringify(list)) };
    },
    upgrade: () => Promise.reject(new Error("no upgrades")),
  };
}

async function* endless(): AsyncGenerator<Uint8Array> {
  await new Promise(() => {});
  yield new Uint8Array();
}

async function aDnsPod(pods: TestPods) {
  const token = newPodVolume();
  token.replace(new Map([["token", Buffer.from("secret")]]));
  const corefile = newPodVolume();
  const text =
    ".:53 {\n  health {\n lameduck 5s\n }\n ready\n kubernetes cluster.local in-addr.arpa {\n pods insecure\n ttl 30\n }\n}\n";
  corefile.replace(new Map([["Corefile", Buffer.from(text)]]));
  return pods.start({
    image: "registry.k8s.io/coredns/coredns:v1.13.1",
    args: ["-conf", "/etc/coredns/Corefile"],
    mounts: [
      { path: "/var/run/secrets/kubernetes.io/serviceaccount", volume: token, readOnly: true },
      { path: "/etc/coredns", volume: corefile, readOnly: true },
    ],
  });
}

const resolvConf = (ip: string): string =>
  `search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver ${ip}\noptions ndots:5\n`;

test("a pod resolves Services through coredns, as busybox nslookup shows", async () => {
  const pods = new TestPods({ apiAccess: () => anApi({ reachable: true }) });
  const dns = await aDnsPod(pods);
  await pods.scheduler.run(1000);
  const options = { resolvConf: resolvConf(dns.sandbox.ip) };
  const full = await pods.sh("nslookup web.default.svc.cluster.local", options);
  expect(full.stdout).toBe(
    `Server:\t\t${dns.sandbox.ip}\nAddress:\t${dns.sandbox.ip}:53\n\nName:\tweb.default.svc.cluster.local\nAddress: 10.96.1.2\n\n\n`,
  );
  const short = await pods.sh("nslookup web", options);
  expect(short.stdout).toContain("** server can't find web.svc.cluster.local: NXDOMAIN\n");
  expect(short.stdout).toContain("Name:\tweb.default.svc.cluster.local\nAddress: 10.96.1.2\n");
  expect(short.exit.exitCode).toBe(1);
  expect((await pods.sh("wget -qO- http://nope", options)).stderr).toBe("wget: bad address 'nope'\n");
  const refused = await pods.sh(`wget -qO- http://${dns.sandbox.ip}:81`, options);
  expect(refused.stderr).toBe(`wget: can't connect to remote host (${dns.sandbox.ip}): Connection refused\n`);
});

test("coredns is not ready and answers SERVFAIL until its watches have synced", async () => {
  const state = { reachable: false };
  const pods = new TestPods({ apiAccess: () => anApi(state) });
  const dns = await aDnsPod(pods);
  await pods.scheduler.run(6000);
  const ready = `wget -qO- http://${dns.sandbox.ip}:8181/ready`;
  expect((await pods.sh(ready)).stderr).toBe(
    "wget: server returned error: HTTP/1.1 503 Service Unavailable\n",
  );
  const options = { resolvConf: resolvConf(dns.sandbox.ip) };
  expect((await pods.sh("nslookup web.default.svc.cluster.local", options)).stdout).toContain("SERVFAIL");
  state.reachable = true;
  await pods.scheduler.run(60_000);
  expect((await pods.sh(ready)).stdout).toBe("OK");
  const startedAtMs = pods.clock.nowMs();
  await pods.until(dns.container.stop(30_000));
  expect(pods.clock.nowMs() - startedAtMs).toBeGreaterThanOrEqual(5000);
  expect(await dns.container.exited).toMatchObject({ exitCode: 0 });
});
