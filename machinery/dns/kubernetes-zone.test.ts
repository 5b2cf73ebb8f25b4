import { expect, test } from "@jest/globals";
import type { Namespace, Service } from "../api/core-v1.js";
import type { Endpoint, EndpointSlice } from "../api/discovery-v1.js";
import type { ClusterView } from "./cluster-view.js";
import { KubernetesZone } from "./kubernetes-zone.js";
import { decodeQuery, encodeReply } from "./message.js";
import { decode, encode } from "dns-packet";

function aService(name: string, spec: Partial<Service["spec"]>): Service {
  const ports = [{ name: "http", protocol: "TCP" as const, port: 80, targetPort: 80 }];
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "default" },
    spec: { type: "ClusterIP", sessionAffinity: "None", ports, ...spec },
    status: { loadBalancer: {} },
  } as unknown as Service;
}

function aSlice(service: string, endpoints: Endpoint[]): EndpointSlice {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: `${service}-x`,
      namespace: "default",
      labels: { "kubernetes.io/service-name": service },
    },
    addressType: "IPv4",
    endpoints,
    ports: [{ name: "http", protocol: "TCP", port: 8080 }],
  } as unknown as EndpointSlice;
}

const services = [
  aService("web", { clusterIP: "10.96.1.2", clusterIPs: ["10.96.1.2"] }),
  aService("db", { clusterIP: "None", clusterIPs: ["None"] }),
  aService("empty", { clusterIP: "None", clusterIPs: ["None"] }),
  aService("docs", { type: "ExternalName", externalName: "example.com" }),
  aService("same", { type: "ExternalName", externalName: "web.default.svc.cluster.local" }),
];
const slices = [
  aSlice("db", [
    { addresses: ["10.244.0.5"], hostname: "db-0", conditions: { ready: true } },
    { addresses: ["10.244.1.6"], conditions: { ready: true } },
    { addresses: ["10.244.1.7"], conditions: { ready: false } },
  ]),
];
const view: ClusterView = {
  namespace: (name) => (name === "default" ? ({ metadata: { name } } as Namespace) : undefined),
  service: (namespace, name) => services.find((s) => s.metadata.name === name && namespace === "default"),
  serviceByIP: (ip) => services.find((s) => s.spec.clusterIP === ip),
  slices: (_, service) => slices.filter((s) => s.metadata.labels?.["kubernetes.io/service-name"] === service),
  slicesByIP: (ip) => slices.filter((s) => s.endpoints.some(({ addresses }) => addresses.includes(ip))),
};
const zone = new KubernetesZone(view, { domain: "cluster.local", ttlSeconds: 30, podNames: true });
const ask = (name: string, type = "A") => {
  const { rcode, answers, authorities } = zone.answer({ name, type }, 1);
  return {
    rcode,
    data: answers.map((answer) => ("data" in answer ? answer.data : "")),
    soa: authorities.length,
  };
};
const found = (...data: unknown[]) => ({ rcode: "NOERROR", data, soa: 0 });
const noData = { rcode: "NOERROR", data: [], soa: 1 };
const noName = { rcode: "NXDOMAIN", data: [], soa: 1 };

test("a Service's name resolves to its ClusterIP, whatever the case", () => {
  expect(ask("web.default.svc.cluster.local")).toEqual(found("10.96.1.2"));
  expect(ask("WEB.Default.svc.Cluster.LOCAL")).toEqual(found("10.96.1.2"));
  expect(ask("web.default.svc.cluster.local", "AAAA")).toEqual(noData);
});

test("names that do not exist are told apart from names without such records", () => {
  expect(ask("nope.default.svc.cluster.local")).toEqual(noName);
  expect(ask("web.other.svc.cluster.local")).toEqual(noName);
  expect(ask("default.svc.cluster.local")).toEqual(noData);
  expect(ask("web.svc.cluster.local")).toEqual(noName);
  expect(ask("web.cluster.local")).toEqual(noName);
  expect(ask("cluster.local", "SOA").rcode).toBe("NOERROR");
  expect(ask("example.com")).toEqual({ ...noName, soa: 0 });
  expect(ask("empty.default.svc.cluster.local")).toEqual(noData);
});

test("a headless Service resolves to its ready endpoints, and each of them by hostname or dashed address", () => {
  expect(ask("db.default.svc.cluster.local")).toEqual(found("10.244.0.5", "10.244.1.6"));
  expect(ask("db-0.db.default.svc.cluster.local")).toEqual(found("10.244.0.5"));
  expect(ask("10-244-1-6.db.default.svc.cluster.local")).toEqual(found("10.244.1.6"));
  expect(ask("db-1.db.default.svc.cluster.local")).toEqual(noName);
});

test("named ports have SRV records", () => {
  expect(ask("_http._tcp.web.default.svc.cluster.local", "SRV")).toEqual(
    found({ priority: 0, weight: 100, port: 80, target: "web.default.svc.cluster.local" }),
  );
  expect(ask("_http._tcp.db.default.svc.cluster.local", "SRV")).toEqual(
    found(
      { priority: 0, weight: 50, port: 8080, target: "db-0.db.default.svc.cluster.local" },
      { priority: 0, weight: 50, port: 8080, target: "10-244-1-6.db.default.svc.cluster.local" },
    ),
  );
  expect(ask("_https._tcp.web.default.svc.cluster.local", "SRV")).toEqual(noName);
});

test("an ExternalName is an alias, followed as far as the zone goes", () => {
  expect(ask("docs.default.svc.cluster.local")).toEqual(found("example.com"));
  expect(ask("same.default.svc.cluster.local")).toEqual(found("web.default.svc.cluster.local", "10.96.1.2"));
});

test("addresses lead back to names", () => {
  expect(ask("2.1.96.10.in-addr.arpa", "PTR")).toEqual(found("web.default.svc.cluster.local"));
  expect(ask("5.0.244.10.in-addr.arpa", "PTR")).toEqual(found("db-0.db.default.svc.cluster.local"));
  expect(ask("9.9.9.9.in-addr.arpa", "PTR").rcode).toBe("NXDOMAIN");
  expect(ask("10-244-0-5.default.pod.cluster.local")).toEqual(found("10.244.0.5"));
});

test("an answer that does not fit into a datagram is cut and marked", () => {
  const name = "web.default.svc.cluster.local";
  const bytes = encode({ type: "query", id: 7, flags: 0x100, questions: [{ type: "A", name, class: "IN" }] });
  const query = decodeQuery(bytes);
  if (!query) throw new Error("not a query");
  const reply = (count: number) => ({
    rcode: "NOERROR" as const,
    authoritative: true,
    answers: Array.from({ length: count }, (_, i) => ({
      type: "A" as const,
      name,
      ttl: 30,
      data: `10.0.0.${i}`,
    })),
    authorities: [],
    additionals: [],
  });
  const few = decode(Buffer.from(encodeReply(query, reply(28), query.udpBytes)));
  expect(few.answers).toHaveLength(28);
  expect(few.answers?.[27]).toMatchObject({ name, data: "10.0.0.27", ttl: 30 });
  const many = encodeReply(query, reply(40), query.udpBytes);
  expect(many.length).toBeLessThan(512);
  expect(decode(Buffer.from(many))).toMatchObject({ flag_tc: true, answers: [] });
  expect(decode(Buffer.from(encodeReply(query, reply(40), 65535))).answers).toHaveLength(40);
});

test("bytes that are no question are refused or passed over", () => {
  expect(decodeQuery(new Uint8Array(5))).toBeUndefined();
  const broken = decodeQuery(Uint8Array.of(0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 0xc0));
  expect(broken?.refusal).toBe("FORMERR");
});
