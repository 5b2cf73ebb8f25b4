import { beforeAll, expect, test } from "@jest/globals";
import type { Node, Service } from "../../machinery/api/core-v1.js";
import type { Endpoint, EndpointSlice } from "../../machinery/api/discovery-v1.js";
import { type Comparison, compareModes, MODES, type ModeResult } from "./compare.js";
import { type ClusterObjects, subjectOf } from "./subject.js";
import { tellComparison } from "./tell-comparison.js";

const metadata = (name: string, namespace?: string) => ({
  name,
  ...(namespace === undefined ? {} : { namespace }),
  uid: name,
  resourceVersion: "1",
  creationTimestamp: "2026-01-01T00:00:00Z",
});

const aNode = (number: number): Node => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: metadata(`node-${number}`),
  spec: { podCIDRs: [`10.244.${number}.0/24`] },
  status: { addresses: [{ type: "InternalIP", address: `172.18.0.${number + 2}` }] },
});

const anEndpoint = (number: number): Endpoint => ({
  addresses: [`10.244.${number}.2`],
  conditions: { ready: true },
  nodeName: `node-${number}`,
  targetRef: { kind: "Pod", namespace: "default", name: `web-${number}` },
});

function aCluster(
  spec: Partial<Service["spec"]> = {},
  endpoints = [1, 2, 3].map(anEndpoint),
): ClusterObjects {
  const service: Service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: metadata("web", "default"),
    spec: {
      type: "ClusterIP",
      clusterIP: "10.96.0.20",
      sessionAffinity: "None",
      ports: [{ port: 80, targetPort: 8080, protocol: "TCP" }],
      ...spec,
    },
    status: { loadBalancer: {} },
  };
  const slice: EndpointSlice = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { ...metadata("web-abcde", "default"), labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    endpoints,
    ports: [{ port: 8080, protocol: "TCP" }],
  };
  return { services: [service], slices: [slice], nodes: [1, 2, 3].map(aNode) };
}

const REQUESTS = 600;

const compare = (objects: ClusterObjects, options: Partial<Parameters<typeof compareModes>[0]> = {}) =>
  compareModes({
    subject: subjectOf(objects, "default/web"),
    requests: REQUESTS,
    seed: "1",
    services: [],
    ...options,
  });

const sum = (failures: Readonly<Record<string, number>>): number =>
  Object.values(failures).reduce((total, count) => total + count, 0);

let comparison: Comparison;
beforeAll(async () => {
  comparison = await compare(aCluster(), { services: [10, 1000] });
}, 60_000);

function inMode(mode: string): ModeResult {
  const found = comparison.modes.find((each) => each.mode === mode);
  if (!found) throw new Error(`no result of ${mode}`);
  return found;
}

test("every mode answers every request while all endpoints live", () => {
  expect(comparison.modes.map(({ mode }) => mode)).toEqual(MODES);
  for (const { failures, perEndpoint } of comparison.modes) {
    expect(failures).toEqual({});
    expect(perEndpoint.reduce((total, { requests }) => total + requests, 0)).toBe(REQUESTS);
  }
});

test("chance spreads as chance does, taking turns more evenly, and hashing not at all", () => {
  expect(inMode("iptables").p).toBeGreaterThan(0.001);
  expect(inMode("nftables").p).toBeGreaterThan(0.001);
  expect(inMode("ipvs-rr").p).toBeGreaterThan(0.95);
  expect(inMode("ipvs-sh").p).toBeLessThan(0.01);
  // One address is dialled, so all goes to one endpoint.
  expect(inMode("ipvs-dh").perEndpoint.filter(({ requests }) => requests > 0)).toHaveLength(1);
  expect(inMode("ideal").perEndpoint.map(({ requests }) => requests)).toEqual([200, 200, 200]);
});

test("userspace passes a dead endpoint over; others let the client fail", () => {
  const { failures, retries } = inMode("userspace").withDeadEndpoint;
  expect(failures).toEqual({});
  expect(retries).toBeGreaterThan(0);
  for (const mode of ["iptables", "nftables", "ipvs-rr"]) {
    const broken = inMode(mode).withDeadEndpoint;
    expect(broken.retries).toBe(0);
    expect(Object.keys(broken.failures)).toEqual(["refused"]);
    expect(sum(broken.failures) / REQUESTS).toBeGreaterThan(0.25);
    expect(sum(broken.failures) / REQUESTS).toBeLessThan(0.42);
  }
  expect(sum(inMode("ideal").withDeadEndpoint.failures)).toBe(0);
});

test("an endpoint that fails at once has the fewest connections, so least connections prefers it", () => {
  expect(sum(inMode("ipvs-lc").withDeadEndpoint.failures)).toBeGreaterThan(
    1.5 * sum(inMode("ipvs-rr").withDeadEndpoint.failures),
  );
});

test("the iptables model's walk and updates grow with the number of Services; those of ipvs and nftables do not", () => {
  const cost = (mode: string, services: number) => {
    const found = comparison.costs.find((each) => each.mode === mode && each.services === services);
    if (!found) throw new Error(`no cost of ${mode}`);
    return found;
  };
  expect(cost("iptables", 1000).steps).toBeGreaterThan(40 * cost("iptables", 10).steps);
  expect(cost("iptables", 1000).updateBytes).toBeGreaterThan(40 * cost("iptables", 10).updateBytes);
  for (const mode of ["ipvs", "nftables"]) {
    expect(cost(mode, 1000).rules).toBeGreaterThan(50 * cost(mode, 10).rules);
    expect(cost(mode, 1000).steps).toBe(cost(mode, 10).steps);
    expect(cost(mode, 1000).updateBytes).toBe(cost(mode, 10).updateBytes);
    expect(cost(mode, 1000).updateOperations).toBeGreaterThan(0);
  }
});

test("one seed gives the same numbers again, and another one others", async () => {
  const modes = ["iptables", "ipvs-lc"];
  const again = await compare(aCluster(), { modes });
  expect(again.modes).toEqual([inMode("iptables"), inMode("ipvs-lc")]);
  const other = await compare(aCluster(), { modes, seed: "2" });
  expect(other.modes).not.toEqual(again.modes);
});

test("the Service's own policy holds: with internalTrafficPolicy Local clients without a local endpoint time out", async () => {
  const objects = aCluster({ internalTrafficPolicy: "Local" }, [anEndpoint(1)]);
  const { modes } = await compare(objects, { modes: ["iptables", "ipvs-rr"], requests: 90 });
  expect(Object.keys(modes[0]?.failures ?? {})).toEqual(["timed-out"]);
  // ipvs falls back to endpoints elsewhere.
  expect(modes[1]?.failures).toEqual({});
});

test("a Service that no proxy balances is refused by name", () => {
  expect(() => subjectOf(aCluster({ clusterIP: "None" }), "default/web")).toThrow(
    'service "default/web" has no cluster IP with a TCP port: no proxy balances it',
  );
  expect(() => subjectOf(aCluster(), "default/other")).toThrow('services "other" not found');
  expect(() => subjectOf(aCluster({}, []), "default/web")).toThrow('service "default/web" has no endpoints');
});

test("the text has a line for each mode and for each number of Services", () => {
  const text = tellComparison(comparison);
  for (const mode of MODES) expect(text).toMatch(new RegExp(`^${mode} `, "m"));
  expect(text).toMatch(/^1,000 +iptables +11,008 /m);
});
