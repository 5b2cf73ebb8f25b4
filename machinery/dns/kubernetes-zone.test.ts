import { expect, test } from "@jest/globals";
import type { Pod } from "../api/core-v1.js";
import { KubernetesZone, type ZoneContext } from "./kubernetes-zone.js";
import { emptyReply } from "./reply.js";
import { aService, aSlice, aView } from "./testing.js";
import type { ZoneOptions } from "./zone-entries.js";

// The sections of "Kubernetes DNS-Based Service Discovery", schema version 1.1.0, then what it leaves to CoreDNS.

const ready = { conditions: { ready: true } };
const services = [
  aService("kubernetes", { clusterIP: "10.3.0.1", clusterIPs: ["10.3.0.1", "2001:db8::1"] }),
  aService("web", { clusterIP: "10.96.1.2", clusterIPs: ["10.96.1.2"] }),
  aService("unnamed", { clusterIP: "10.96.1.3", ports: [{ protocol: "TCP", port: 80, targetPort: 80 }] }),
  aService("headless", { clusterIP: "None", clusterIPs: ["None"] }),
  aService("all", { clusterIP: "None", publishNotReadyAddresses: true }),
  aService("portless", { clusterIP: "None", ports: [] }),
  aService("empty", { clusterIP: "None", clusterIPs: ["None"] }),
  aService("foo", { type: "ExternalName", externalName: "www.example.com" }),
  aService("same", { type: "ExternalName", externalName: "web.default.svc.cluster.local." }),
  aService("gone", { type: "ExternalName", externalName: "nope.default.svc.cluster.local" }),
  aService("ring", { type: "ExternalName", externalName: "ring2.default.svc.cluster.local" }),
  aService("ring2", { type: "ExternalName", externalName: "ring.default.svc.cluster.local" }),
  aService("self", { type: "ExternalName", externalName: "self.default.svc.cluster.local" }),
  aService("numeric", { type: "ExternalName", externalName: "192.0.2.1" }),
];
const slices = [
  aSlice("headless", [
    { addresses: ["10.3.0.100"], hostname: "my-pet", ...ready },
    { addresses: ["10.3.0.101"], targetRef: { kind: "Pod", name: "pet-x7k2" }, ...ready },
    { addresses: ["10.3.0.102"], hostname: "my-pet-2", conditions: { ready: false } },
  ]),
  aSlice("headless", [{ addresses: ["2001:db8::2"], hostname: "my-pet", ...ready }], { addressType: "IPv6" }),
  aSlice("all", [{ addresses: ["10.3.0.110"], conditions: { ready: false } }]),
  aSlice("portless", [{ addresses: ["10.3.0.120"], ...ready }], { ports: [] }),
  aSlice("empty", [{ addresses: ["10.3.0.130"], conditions: { ready: false } }]),
  aSlice("web", [{ addresses: ["10.3.0.140"], ...ready }]),
];
const pods = [{ metadata: { name: "client", namespace: "default" }, status: { podIP: "10.244.0.5" } } as Pod];
const options: ZoneOptions = {
  domain: "cluster.local",
  ttlSeconds: 5,
  pods: "insecure",
  endpointPodNames: false,
  ignoreEmptyServices: false,
  localIPs: ["10.244.9.9"],
};

function ask(
  name: string,
  type = "A",
  changed: Partial<ZoneOptions> = {},
  context: Partial<ZoneContext> = {},
) {
  const zone = new KubernetesZone(aView(services, slices, pods), { ...options, ...changed });
  const reply = zone.answer({ name, type }, { serial: 7, ...context });
  if (reply instanceof Promise) throw new Error("nothing outside was to be asked");
  const { rcode, answers, authorities, additionals } = reply;
  const lines = (records: typeof answers) =>
    records.map((record) => ("data" in record ? `${record.name} ${record.type} ${dataOf(record.data)}` : ""));
  return { rcode, answers: lines(answers), soa: authorities.length, extra: lines(additionals) };
}
const dataOf = (data: unknown): string =>
  Array.isArray(data)
    ? String(data)
    : typeof data === "object"
      ? Object.values(data ?? {}).join(" ")
      : `${data as string}`;
const svc = (name: string): string => `${name}.default.svc.cluster.local`;
const found = (...answers: string[]) => ({ rcode: "NOERROR", answers, soa: 0, extra: [] });
const noData = { rcode: "NOERROR", answers: [], soa: 1, extra: [] };
const noName = { rcode: "NXDOMAIN", answers: [], soa: 1, extra: [] };

test("specification 2.1: names are compared without regard to case", () => {
  expect(ask("KUBERNETES.Default.SVC.Cluster.Local").answers).toEqual([
    "KUBERNETES.Default.SVC.Cluster.Local A 10.3.0.1",
  ]);
});

test("specification 2.2: the schema version is a TXT record", () => {
  expect(ask("dns-version.cluster.local", "TXT")).toEqual(found("dns-version.cluster.local TXT 1.1.0"));
  expect(ask("dns-version.cluster.local", "A")).toEqual(noData);
});

test("specification 2.3.1: a Service with ClusterIPs has A and AAAA records", () => {
  expect(ask(svc("kubernetes"))).toEqual(found(`${svc("kubernetes")} A 10.3.0.1`));
  expect(ask(svc("kubernetes"), "AAAA")).toEqual(found(`${svc("kubernetes")} AAAA 2001:db8::1`));
  expect(ask(svc("web"), "AAAA")).toEqual(noData);
});

test("specification 2.3.2: a Service's named ports have SRV records, with the addresses beside them", () => {
  const name = `_https._tcp.${svc("kubernetes")}`;
  expect(ask(name, "SRV")).toEqual({
    ...found(`${name} SRV 0 50 443 ${svc("kubernetes")}`),
    extra: [`${svc("kubernetes")} A 10.3.0.1`, `${svc("kubernetes")} AAAA 2001:db8::1`],
  });
  expect(ask(`_http._tcp.${svc("kubernetes")}`, "SRV")).toEqual(noName);
  expect(ask(`_https._udp.${svc("kubernetes")}`, "SRV")).toEqual(noName);
  expect(ask(`_._tcp.${svc("web")}`, "AAAA")).toEqual(noData);
});

test("specification 2.3.3: a ClusterIP has a PTR record, of either family", () => {
  expect(ask("1.0.3.10.in-addr.arpa", "PTR")).toEqual(
    found(`1.0.3.10.in-addr.arpa PTR ${svc("kubernetes")}`),
  );
  const v6 = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
  expect(ask(v6.toUpperCase(), "PTR").answers).toEqual([`${v6.toUpperCase()} PTR ${svc("kubernetes")}`]);
  expect(ask("9.9.9.9.in-addr.arpa", "PTR")).toEqual(noName);
  expect(ask("3.10.in-addr.arpa", "PTR")).toEqual(noName);
});

test("specification 2.4.1: a headless Service has the addresses of its ready endpoints, and each by its hostname", () => {
  expect(ask(svc("headless"))).toEqual(
    found(`${svc("headless")} A 10.3.0.100`, `${svc("headless")} A 10.3.0.101`),
  );
  expect(ask(svc("headless"), "AAAA")).toEqual(found(`${svc("headless")} AAAA 2001:db8::2`));
  expect(ask(svc("my-pet.headless"))).toEqual(found(`${svc("my-pet.headless")} A 10.3.0.100`));
  expect(ask(svc("my-pet.headless"), "AAAA")).toEqual(found(`${svc("my-pet.headless")} AAAA 2001:db8::2`));
  expect(ask(svc("10-3-0-101.headless"))).toEqual(found(`${svc("10-3-0-101.headless")} A 10.3.0.101`));
  expect(ask(svc("10-3-0-101.headless"), "AAAA")).toEqual(noData);
  expect(ask(svc("my-pet-2.headless"))).toEqual(noName);
});

test("specification 2.4.1: a headless Service without ready endpoints does not exist", () => {
  expect(ask(svc("empty"))).toEqual(noName);
});

test("publishNotReadyAddresses names endpoints that are not ready", () => {
  expect(ask(svc("all"))).toEqual(found(`${svc("all")} A 10.3.0.110`));
});

test("specification 2.4.2: each endpoint and named port of a headless Service has an SRV record", () => {
  const name = `_https._tcp.${svc("headless")}`;
  expect(ask(name, "SRV")).toEqual({
    ...found(
      `${name} SRV 0 33 443 ${svc("my-pet.headless")}`,
      `${name} SRV 0 33 443 ${svc("10-3-0-101.headless")}`,
    ),
    extra: [
      `${svc("my-pet.headless")} A 10.3.0.100`,
      `${svc("10-3-0-101.headless")} A 10.3.0.101`,
      `${svc("my-pet.headless")} AAAA 2001:db8::2`,
    ],
  });
  expect(ask(svc("portless"))).toEqual(found(`${svc("portless")} A 10.3.0.120`));
  expect(ask(svc("portless"), "SRV")).toEqual(noData);
});

test("specification 2.4.3: an endpoint's address leads back to its hostname", () => {
  expect(ask("100.0.3.10.in-addr.arpa", "PTR").answers).toEqual([
    `100.0.3.10.in-addr.arpa PTR ${svc("my-pet.headless")}`,
  ]);
  expect(ask("102.0.3.10.in-addr.arpa", "PTR")).toEqual(noName);
});

test("specification 2.5: an ExternalName is a CNAME, with what is behind it where that is known", async () => {
  const cname = `${svc("foo")} CNAME www.example.com`;
  expect(ask(svc("foo"))).toEqual(found(cname));
  const lookup = () => ({
    ...emptyReply("NOERROR"),
    answers: [{ type: "A" as const, name: "www.example.com", ttl: 28_715, data: "192.0.2.53" }],
  });
  expect(ask(svc("foo"), "A", {}, { lookup })).toEqual(found(cname, "www.example.com A 192.0.2.53"));
  expect(ask(svc("foo"), "TXT", {}, { lookup })).toEqual(noData);
  expect(ask(svc("same"))).toEqual(found(`${svc("same")} CNAME ${svc("web")}`, `${svc("web")} A 10.96.1.2`));
  expect(ask(svc("same"), "CNAME")).toEqual(found(`${svc("same")} CNAME ${svc("web")}`));
  const zone = new KubernetesZone(aView(services, slices), options);
  const later = zone.answer({ name: svc("foo"), type: "A" }, { serial: 7, lookup: async () => lookup() });
  expect((await later).answers).toHaveLength(2);
});

test("aliases that go round in a circle, or lead to nothing, have no records", () => {
  for (const name of ["ring", "ring2", "self", "gone"]) expect(ask(svc(name))).toEqual(noData);
  expect(ask(svc("ring"), "CNAME").answers).toEqual([`${svc("ring")} CNAME ${svc("ring2")}`]);
});

test("an ExternalName that is an address does not exist, and neither do names below an ExternalName", () => {
  expect(ask(svc("numeric"))).toEqual(noName);
  expect(ask(svc("a.foo"))).toEqual(noName);
  expect(ask(`_https._tcp.${svc("foo")}`, "SRV")).toEqual(noName);
});

test("specification 2.6: pod names, as the Corefile's `pods` says", () => {
  const name = "10-244-0-5.default.pod.cluster.local";
  expect(ask(name)).toEqual(found(`${name} A 10.244.0.5`));
  expect(ask("1-2-3-4.default.pod.cluster.local").answers).toHaveLength(1);
  expect(ask("2001-db8--7.default.pod.cluster.local", "AAAA").answers).toEqual([
    "2001-db8--7.default.pod.cluster.local AAAA 2001:db8::7",
  ]);
  expect(ask("10-244-0.default.pod.cluster.local")).toEqual(noName);
  expect(ask("1-2-3-4.nowhere.pod.cluster.local")).toEqual(noName);
  expect(ask(name, "A", { pods: "verified" })).toEqual(found(`${name} A 10.244.0.5`));
  expect(ask("1-2-3-4.default.pod.cluster.local", "A", { pods: "verified" })).toEqual(noName);
  expect(ask("10-244-0-5.kube-system.pod.cluster.local", "A", { pods: "verified" })).toEqual(noName);
  expect(ask(name, "A", { pods: "disabled" })).toEqual(noName);
});

test("names with something below them exist without records; others do not exist", () => {
  for (const name of [
    "cluster.local",
    "svc.cluster.local",
    "pod.cluster.local",
    "default.svc.cluster.local",
  ]) {
    expect(ask(name)).toEqual(noData);
  }
  for (const name of ["nowhere.svc.cluster.local", svc("nope"), "web.cluster.local", svc("a.b.c.web")]) {
    expect(ask(name)).toEqual(noName);
  }
  expect(ask(svc("web"), "MX")).toEqual(noData);
  expect(ask(svc("web"), "TYPE65")).toEqual(noData);
});

test("the zone has an SOA and NS record; its name server is the Service that it is an endpoint of", () => {
  expect(ask("cluster.local", "SOA").answers).toEqual([
    "cluster.local SOA ns.dns.cluster.local hostmaster.cluster.local 7 7200 1800 86400 5",
  ]);
  expect(ask("cluster.local", "NS")).toEqual({
    ...found("cluster.local NS ns.dns.cluster.local"),
    extra: ["ns.dns.cluster.local A 10.244.9.9"],
  });
  expect(ask("ns.dns.cluster.local")).toEqual(found("ns.dns.cluster.local A 10.244.9.9"));
  expect(ask("cluster.local", "NS", { localIPs: ["10.3.0.140"] })).toEqual({
    ...found(`cluster.local NS ${svc("web")}`),
    extra: [`${svc("web")} A 10.96.1.2`],
  });
});

test("endpoint_pod_names and ignore empty_service change names", () => {
  const named = { endpointPodNames: true };
  expect(ask(svc("pet-x7k2.headless"), "A", named).answers).toEqual([
    `${svc("pet-x7k2.headless")} A 10.3.0.101`,
  ]);
  expect(ask(svc("my-pet.headless"), "A", named).answers).toHaveLength(1);
  expect(ask(svc("kubernetes"), "A", { ignoreEmptyServices: true })).toEqual(noName);
  expect(ask(svc("web"), "A", { ignoreEmptyServices: true }).answers).toHaveLength(1);
});

test("with `namespaces` in the Corefile, the others do not exist", () => {
  const only = { namespaces: ["kube-system"] };
  expect(ask(svc("web"), "A", only)).toEqual(noName);
  expect(ask("default.svc.cluster.local", "A", only)).toEqual(noName);
  expect(ask("kube-system.svc.cluster.local", "A", only)).toEqual(noData);
  expect(ask("2.1.96.10.in-addr.arpa", "PTR", only)).toEqual(noName);
});

test("a transfer of the zone is refused", () => {
  expect(ask("cluster.local", "AXFR")).toEqual({ rcode: "REFUSED", answers: [], soa: 0, extra: [] });
});
