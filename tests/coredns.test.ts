import { expect, test } from "@jest/globals";
import type { HttpRequest, HttpResponse, Transport } from "../machinery/api/http.js";
import { newPodVolume } from "../kubelet-sim/runtime/pod-volume.js";
import { silentLogger } from "../machinery/api/logger.js";
import { DnsServer } from "../machinery/dns/dns-server.js";
import { OutsideZone } from "../machinery/dns/outside-zone.js";
import { parseZoneFile } from "../machinery/dns/zone-file.js";
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

/** Lists what it has; watches never end. `reachable` false: nobody answers. `changes`: what the watch of Services brings. */
function anApi(
  state: { reachable: boolean },
  changes: () => AsyncGenerator<Uint8Array> = endless,
): Transport {
  return {
    request: async ({ path }: HttpRequest): Promise<HttpResponse> => {
      if (!state.reachable) return { status: 503, headers: {}, body: Buffer.from("{}") };
      const url = new URL(path, "http://x");
      if (url.searchParams.has("watch")) {
        return { status: 200, headers: {}, body: path.includes("/services") ? changes() : endless() };
      }
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

const kubernetesPlugin = "kubernetes cluster.local in-addr.arpa {\n pods insecure\n ttl 30\n }";
const COREFILE = `.:53 {\n health {\n lameduck 5s\n }\n ready\n prometheus\n ${kubernetesPlugin}\n}\n`;

async function aDnsPod(pods: TestPods, text = COREFILE) {
  const token = newPodVolume();
  token.replace(new Map([["token", Buffer.from("secret")]]));
  const config = newPodVolume();
  const setCorefile = (corefile: string): void =>
    config.replace(new Map([["Corefile", Buffer.from(corefile)]]));
  setCorefile(text);
  const pod = await pods.start({
    image: "registry.k8s.io/coredns/coredns:v1.13.1",
    args: ["-conf", "/etc/coredns/Corefile"],
    mounts: [
      { path: "/var/run/secrets/kubernetes.io/serviceaccount", volume: token, readOnly: true },
      { path: "/etc/coredns", volume: config, readOnly: true },
    ],
    // The nodes' own name server, where names outside of the cluster are known.
    resolvConf: "nameserver 172.18.255.53\noptions timeout:1 attempts:1\n",
  });
  return { ...pod, setCorefile };
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

const running = (pods: TestPods) => pods.scheduler.run(1000);
const web1 = "web.default.svc.cluster.local";

/** dig's answer section, from a pod, without the name. */
async function dig(pods: TestPods, server: string, query: string): Promise<string> {
  return (await pods.sh(`dig @${server} ${query}`, { image: "nicolaka/netshoot" })).stdout;
}

function anOutside(pods: TestPods, text: string) {
  const zone = new OutsideZone(parseZoneFile(text));
  const asked: string[] = [];
  const server = new DnsServer({
    network: pods.network.addHost("172.18.255.53"),
    clock: pods.clock,
    logger: silentLogger,
    answer: ({ question }) => {
      asked.push(question.name);
      return zone.answer(question);
    },
  });
  void server.run().catch(() => {});
  return asked;
}

test("forward asks the node's name server for names outside; cache remembers them and counts their TTL down", async () => {
  const pods = new TestPods({ apiAccess: () => anApi({ reachable: true }) });
  const asked = anOutside(pods, "192.0.2.7 www.example.com\n");
  const corefile = `.:53 {\n ${kubernetesPlugin}\n cache 60 {\n prefetch 5\n }\n dnssec\n prometheus :9153\n forward . /etc/resolv.conf\n}\n`;
  const { container, sandbox } = await aDnsPod(pods, corefile);
  const { ip } = sandbox;
  await running(pods);
  const { stdout } = await pods.output(container);
  expect(stdout).toContain("[WARNING] plugin/dnssec: not emulated, without effect\n");
  expect(stdout).toContain("[WARNING] plugin/cache: prefetch: not emulated, without effect\n");
  expect(await dig(pods, ip, "www.example.com")).toContain("www.example.com.\t60\tIN\tA\t192.0.2.7\n");
  await pods.scheduler.run(20_000);
  expect(await dig(pods, ip, "www.example.com")).toMatch(/www.example.com.\t(39|40)\tIN\tA\t192.0.2.7\n/);
  expect(await dig(pods, ip, "nope.example.com")).toContain("status: NXDOMAIN");
  expect(await dig(pods, ip, "nope.example.com")).toContain("status: NXDOMAIN");
  expect(asked).toEqual(["www.example.com", "nope.example.com"]);
  await pods.scheduler.run(60_000);
  await dig(pods, ip, "www.example.com");
  expect(asked).toHaveLength(3);
  const metrics = (await pods.sh(`wget -qO- http://${ip}:9153/metrics`)).stdout;
  expect(metrics).toContain('coredns_cache_hits_total{server="dns://:53",type="denial",view="",zones="."} 1');
  expect(metrics).toContain('coredns_forward_requests_total{rcode="NOERROR",to="172.18.255.53:53"} 2');
  expect(metrics).toContain(
    'coredns_dns_requests_total{family="1",proto="udp",server="dns://:53",view="",zone=".",type="A"} 5',
  );
  expect(metrics).toContain(
    'coredns_dns_responses_total{plugin="forward",rcode="NXDOMAIN",server="dns://:53",view="",zone="."} 2',
  );
  expect(metrics).toContain("# TYPE coredns_dns_request_duration_seconds histogram\n");
});

test("names outside are SERVFAIL where nothing forwards, and where the upstream is silent", async () => {
  const pods = new TestPods({ apiAccess: () => anApi({ reachable: true }) });
  const alone = (await aDnsPod(pods)).sandbox.ip;
  const forwarding = await aDnsPod(pods, `.:53 {\n errors\n forward . 192.0.2.53\n}\n`);
  await running(pods);
  expect(await dig(pods, alone, "www.example.com")).toContain("status: SERVFAIL");
  expect(await dig(pods, forwarding.sandbox.ip, "www.example.com")).toContain("status: SERVFAIL");
  expect((await pods.output(forwarding.container)).stdout).toContain(
    "[ERROR] plugin/errors: 2 www.example.com. A: no answer from 192.0.2.53:53\n",
  );
});

test("hosts entries come before the cluster, and fall through where they say so", async () => {
  const pods = new TestPods({ apiAccess: () => anApi({ reachable: true }) });
  const entries = `hosts {\n 192.0.2.9 pinned.example.com ${web1}\n fallthrough\n }`;
  const { ip } = (await aDnsPod(pods, `. {\n ${entries}\n ${kubernetesPlugin}\n}\n`)).sandbox;
  await running(pods);
  expect(await dig(pods, ip, "pinned.example.com")).toContain("\tIN\tA\t192.0.2.9\n");
  expect(await dig(pods, ip, web1)).toContain("\tIN\tA\t192.0.2.9\n");
  expect(await dig(pods, ip, "dns-version.cluster.local TXT")).toContain('"1.1.0"');
});

test("reload takes a changed Corefile, and keeps the old one when the new one is wrong", async () => {
  const pods = new TestPods({ apiAccess: () => anApi({ reachable: true }) });
  const { sandbox, container, setCorefile } = await aDnsPod(pods, `. {\n reload\n ${kubernetesPlugin}\n}\n`);
  await running(pods);
  expect(await dig(pods, sandbox.ip, web1)).toContain(`${web1}.\t30\tIN\tA\t10.96.1.2`);
  setCorefile(`. {\n reload\n bogus\n}\n`);
  await pods.scheduler.run(31_000);
  expect(await dig(pods, sandbox.ip, web1)).toContain(`${web1}.\t30\t`);
  setCorefile(`. {\n reload\n log\n ${kubernetesPlugin.replace("30", "7")}\n}\n`);
  await pods.scheduler.run(31_000);
  expect(await dig(pods, sandbox.ip, web1)).toContain(`${web1}.\t7\t`);
  const { stdout } = await pods.output(container);
  expect(stdout).toContain(
    "reload failed: /etc/coredns/Corefile:3 - Error during parsing: Unknown directive 'bogus'\n",
  );
  expect(stdout).toContain("[INFO] Reloading complete\n");
  expect(stdout).toMatch(
    /\[INFO\] 10\.244\.0\.\d+:\d+ - \d+ "A IN web\.default\.svc\.cluster\.local\. udp \d+ false \d+" NOERROR qr,aa,rd \d+ /,
  );
});

test("a Corefile with a mistake, or none where one was named, ends the program with its place", async () => {
  const pods = new TestPods({ apiAccess: () => anApi({ reachable: true }) });
  const mistakes: [string, string][] = [
    [
      ". {\n forwrd . 1.1.1.1\n}",
      "/etc/coredns/Corefile:2 - Error during parsing: Unknown directive 'forwrd'\n",
    ],
    [". {\n errors", "/etc/coredns/Corefile:2 - Error during parsing: Unexpected EOF, expecting '}'\n"],
    [
      ". {\n kubernetes {\n pods maybe\n }\n}",
      "plugin/kubernetes: /etc/coredns/Corefile:3 - Error during parsing: wrong value for pods: maybe,  must be one of: disabled, verified, insecure\n",
    ],
  ];
  for (const [corefile, message] of mistakes) {
    const { container } = await aDnsPod(pods, corefile);
    expect(await pods.until(container.exited)).toMatchObject({ exitCode: 1 });
    expect((await pods.output(container)).stderr).toBe(message);
  }
});

test("a server that forwards to itself finds the loop and ends", async () => {
  const pods = new TestPods({ apiAccess: () => anApi({ reachable: true }) });
  const { container } = await aDnsPod(pods, `. {\n loop\n forward . 127.0.0.1\n}\n`);
  await pods.scheduler.run(5000);
  expect(await pods.until(container.exited)).toMatchObject({ exitCode: 1 });
  expect((await pods.output(container)).stdout).toContain(
    '[FATAL] plugin/loop: Loop (127.0.0.1:53 -> :53) detected for zone "."',
  );
});

/** The address of Service web changes, as one replica's watch tells after a while. */
function theMove(pods: TestPods, delayMs: number): () => AsyncGenerator<Uint8Array> {
  return async function* () {
    await pods.clock.sleep(delayMs);
    const object = {
      ...web,
      apiVersion: "v1",
      kind: "Service",
      metadata: { ...web.metadata, resourceVersion: "2" },
      spec: { ...web.spec, clusterIP: "10.96.7.7", clusterIPs: ["10.96.7.7"] },
    };
    yield Buffer.from(`${JSON.stringify({ type: "MODIFIED", object })}\n`);
    yield* endless();
  };
}

test("each replica answers from its own watch: one that is behind gives the address of before", async () => {
  let replicas = 0;
  const pods: TestPods = new TestPods({
    apiAccess: () => anApi({ reachable: true }, theMove(pods, replicas++ === 0 ? 2000 : 30_000)),
  });
  const prompt = (await aDnsPod(pods)).sandbox.ip;
  await running(pods);
  const behind = (await aDnsPod(pods)).sandbox.ip;
  await pods.scheduler.run(5000);
  expect(await dig(pods, prompt, web1)).toContain("10.96.7.7");
  expect(await dig(pods, behind, web1)).toContain("10.96.1.2");
  expect(await dig(pods, behind, "7.7.96.10.in-addr.arpa PTR")).toContain("status: NXDOMAIN");
  await pods.scheduler.run(30_000);
  expect(await dig(pods, behind, web1)).toContain("10.96.7.7");
});

test("template makes answers from the name asked for", async () => {
  const pods = new TestPods({ apiAccess: () => anApi({ reachable: true }) });
  const rules = [
    'template IN A nip.test {\n match "^(?P<a>\\d+)-(?P<b>\\d+)-(?P<c>\\d+)-(?P<d>\\d+)[.]nip[.]test[.]$"',
    ' answer "{{ .Name }} 60 IN A {{ .Group.a }}.{{ .Group.b }}.{{ .Group.c }}.{{ index .Match 4 }}"\n fallthrough\n }',
    "template ANY ANY gone.test {\n rcode NXDOMAIN\n }",
  ];
  const { ip } = (await aDnsPod(pods, `. {\n ${rules.join("\n")}\n ${kubernetesPlugin}\n}\n`)).sandbox;
  await running(pods);
  expect(await dig(pods, ip, "10-1-2-3.nip.test")).toContain("10-1-2-3.nip.test.\t60\tIN\tA\t10.1.2.3\n");
  expect(await dig(pods, ip, "10-1-2-300.nip.test")).toContain("status: SERVFAIL");
  expect(await dig(pods, ip, "www.nip.test")).toContain("status: SERVFAIL");
  expect(await dig(pods, ip, "x.gone.test MX")).toContain("status: NXDOMAIN");
});
