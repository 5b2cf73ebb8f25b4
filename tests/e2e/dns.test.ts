import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { eventually, LiveCluster, run } from "../testkit/live-cluster.js";

// Cluster DNS of real processes, asked by Debian's dig over the port of this machine.

const haveDig = spawnSync("dig", ["-v"]).status === 0;
if (!haveDig) console.warn("skipped: dig is not installed (Debian's bind9-dnsutils)");
const digTest = haveDig ? test : test.skip;

const SERVICES = `
apiVersion: v1
kind: Service
metadata: { name: db }
spec: { clusterIP: None, ports: [{ name: sql, port: 5432 }] }
---
apiVersion: v1
kind: Service
metadata: { name: many }
spec: { clusterIP: None, ports: [{ name: sql, port: 5432 }] }
---
apiVersion: v1
kind: Service
metadata: { name: docs }
spec: { type: ExternalName, externalName: www.example.com }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: db-1, labels: { kubernetes.io/service-name: db } }
addressType: IPv4
ports: [{ name: sql, port: 5432 }]
endpoints: [{ addresses: [10.1.2.3], hostname: db-0 }, { addresses: [10.1.2.4], hostname: db-1 }]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: db-2, labels: { kubernetes.io/service-name: db } }
addressType: IPv6
ports: [{ name: sql, port: 5432 }]
endpoints: [{ addresses: ["2001:db8::3"], hostname: db-0 }]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: many-1, labels: { kubernetes.io/service-name: many } }
addressType: IPv4
ports: [{ name: sql, port: 5432 }]
endpoints:
${Array.from({ length: 90 }, (_, i) => `- { addresses: [10.2.0.${i + 1}] }`).join("\n")}
`;
const db = "db.default.svc.cluster.local";
let cluster: LiveCluster;
let port = "";
let names = "";

beforeAll(async () => {
  if (!haveDig) return;
  names = join(mkdtempSync(join(tmpdir(), "kubesim-names-")), "names");
  writeFileSync(names, "192.0.2.53 www.example.com\n");
  cluster = await LiveCluster.up("dns", "--nodes", "1", "--dns-upstream", names);
  const manifest = join(cluster.dataDir, "services.yaml");
  writeFileSync(manifest, SERVICES);
  expect((await cluster.cli("apply", "-f", manifest)).stderr).toBe("");
  port = String(
    (JSON.parse(readFileSync(join(cluster.dataDir, "cluster.json"), "utf8")) as { dnsPort: number }).dnsPort,
  );
  await eventually(async () => (await dig("+short", "many.default.svc.cluster.local")).includes("10.2.0.90"));
}, 90_000);

afterAll(async () => {
  if (!haveDig) return;
  await cluster.dispose();
  rmSync(dirname(names), { recursive: true, force: true });
}, 30_000);

const dig = async (...args: string[]): Promise<string> =>
  (await run("dig", ["@127.0.0.1", "-p", port, "+timeout=5", ...args], { timeoutMs: 20_000 })).stdout;
const short = async (...args: string[]): Promise<string[]> =>
  (await dig("+short", ...args)).split("\n").filter(Boolean).sort();

digTest("dig finds A, AAAA, SRV, TXT, CNAME and PTR records over UDP and TCP", async () => {
  expect(await short(db)).toEqual(["10.1.2.3", "10.1.2.4"]);
  expect(await short("+tcp", db, "AAAA")).toEqual(["2001:db8::3"]);
  expect(await short(`_sql._tcp.${db}`, "SRV")).toEqual([`0 33 5432 db-0.${db}.`, `0 33 5432 db-1.${db}.`]);
  expect(await short("dns-version.cluster.local", "TXT")).toEqual(['"1.1.0"']);
  expect(await short("docs.default.svc.cluster.local")).toEqual(["192.0.2.53", "www.example.com."]);
  expect(await short("-x", "10.96.0.10")).toEqual(["kube-dns.kube-system.svc.cluster.local."]);
  expect(await short("-x", "2001:db8::3")).toEqual([`db-0.${db}.`]);
  expect(await dig(`_sql._tcp.${db}`, "SRV")).toMatch(/ADDITIONAL SECTION:[^;]*db-0\.[^;]*AAAA\t2001:db8::3/);
});

digTest("dig sees NXDOMAIN with the SOA, and NODATA for a name of another type", async () => {
  const missing = await dig("nope.default.svc.cluster.local");
  expect(missing).toContain("status: NXDOMAIN");
  expect(missing).toMatch(
    /AUTHORITY SECTION:\ncluster\.local\.\t+30\tIN\tSOA\tns\.dns\.cluster\.local\. hostmaster/,
  );
  const noData = await dig("kubernetes.default.svc.cluster.local", "MX");
  expect(noData).toContain("status: NOERROR");
  expect(noData).toContain("ANSWER: 0, AUTHORITY: 1");
});

digTest("an answer over the datagram's size is cut, and dig comes again over TCP", async () => {
  const many = "many.default.svc.cluster.local";
  const cut = await dig("+ignore", "+noedns", many);
  expect(cut).toMatch(/flags: qr aa tc rd/);
  expect(Number(/MSG SIZE {2}rcvd: (\d+)/.exec(cut)?.[1])).toBeLessThanOrEqual(512);
  expect(await short("+noedns", many)).toHaveLength(90);
  expect(await dig("+bufsize=4096", many)).toMatch(/flags: qr aa rd;[^]*ANSWER: 90/);
});

digTest("EDNS, case, classes, opcodes and transfers are answered as CoreDNS answers them", async () => {
  expect(await dig("+edns=7", "+noednsnegotiation", db)).toContain("status: BADVERS");
  expect(await dig("+dnssec", db)).toContain("EDNS: version: 0, flags: do;");
  expect(await dig("dB.DEFAULT.svc.Cluster.local")).toContain(
    "dB.DEFAULT.svc.Cluster.local. 30 IN\tA\t10.1.2.",
  );
  expect(await dig("CH", "TXT", "version.bind")).toContain("status: REFUSED");
  expect(await dig("+opcode=STATUS", db)).toContain("status: NOTIMP");
  expect(await dig("AXFR", "cluster.local")).toContain("; Transfer failed.");
});

digTest("outside names are those of the file alone", async () => {
  expect(await short("www.example.com")).toEqual(["192.0.2.53"]);
  expect(await dig("www.debian.org")).toMatch(/status: NXDOMAIN[^]*flags: qr rd ra/);
});
