import { beforeEach, describe, expect, test } from "@jest/globals";
import { refusal, SERVICES, ServiceApi } from "./service-api.js";

let cluster: ServiceApi;
beforeEach(async () => {
  cluster = await ServiceApi.start();
});

const SUBDOMAIN =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const balanced = { type: "LoadBalancer" };
const named = (...ports: object[]) => ({ ports });

describe("what a Service may not say", () => {
  test.each([
    [named(), "spec.ports: Required value"],
    [
      named({ name: "web", port: 80 }, { name: "web", port: 81 }),
      'spec.ports[1].name: Duplicate value: "web"',
    ],
    [
      named({ name: "a", port: 80 }, { name: "b", port: 80 }),
      'spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}',
    ],
    [
      named({ port: 80 }, { port: 81 }),
      "[spec.ports[0].name: Required value, spec.ports[1].name: Required value]",
    ],
    [
      { clusterIP: "10.0.0.1" },
      'spec.clusterIPs: Invalid value: ["10.0.0.1"]: failed to allocate IP 10.0.0.1: the provided network does not match the current range',
    ],
    [
      { clusterIP: "10.96.0.1" },
      'spec.clusterIPs: Invalid value: ["10.96.0.1"]: failed to allocate IP 10.96.0.1: provided IP is already allocated',
    ],
    [
      { type: "NodePort", ports: [{ port: 80, nodePort: 80 }] },
      "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767",
    ],
    [
      {
        type: "NodePort",
        ports: [
          { name: "a", port: 80, nodePort: 30080 },
          { name: "b", port: 81, nodePort: 30080 },
        ],
      },
      "spec.ports[1].nodePort: Invalid value: 30080: provided port is already allocated",
    ],
    [{ type: "ExternalName" }, "spec.externalName: Required value"],
    [
      { type: "ExternalName", externalName: "Web_1" },
      `spec.externalName: Invalid value: "Web_1": ${SUBDOMAIN}`,
    ],
    [
      { externalIPs: ["127.0.0.1"] },
      'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
    ],
    [
      { externalIPs: ["web"] },
      'spec.externalIPs[0]: Invalid value: "web": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ],
    [
      { sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds: 86401 } } },
      "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: must be greater than 0 and less than 86400",
    ],
    [
      { trafficDistribution: "PreferFar" },
      'spec.trafficDistribution: Unsupported value: "PreferFar": supported values: "PreferClose", "PreferSameNode", "PreferSameZone"',
    ],
    [
      { internalTrafficPolicy: "Here" },
      'spec.internalTrafficPolicy: Unsupported value: "Here": supported values: "Cluster", "Local"',
    ],
    [
      { externalTrafficPolicy: "Local" },
      'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services',
    ],
    [
      { healthCheckNodePort: 30999 },
      "spec.healthCheckNodePort: Invalid value: 30999: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
    ],
    [
      { loadBalancerSourceRanges: ["10.0.0.0/8"] },
      "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
    ],
    [
      { ...balanced, loadBalancerSourceRanges: ["10.0.0.1/8"] },
      'spec.LoadBalancerSourceRanges[0]: Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix length',
    ],
    [
      { ...balanced, loadBalancerSourceRanges: ["10.0.0.0"] },
      'spec.LoadBalancerSourceRanges[0]: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
    ],
    [
      { loadBalancerClass: "example.com/lb" },
      "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'",
    ],
    [
      { allocateLoadBalancerNodePorts: false },
      "spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when `type` is 'LoadBalancer'",
    ],
    [
      { ...balanced, ports: [{ port: 10250 }] },
      "spec.ports[0]: Invalid value: 10250: may not expose port 10250 externally since it is used by kubelet",
    ],
    [
      { ports: [{ port: 80, appProtocol: "" }] },
      "[spec.ports[0].appProtocol: Invalid value: \"\": name part must be non-empty, spec.ports[0].appProtocol: Invalid value: \"\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')]",
    ],
  ])("%j", async (spec, message) => {
    expect(refusal(await cluster.post(spec))).toBe(message);
    expect(await cluster.addresses()).toEqual([]);
  });

  test("an ExternalName that is an IPv4 address looks like a name, an IPv6 address does not", async () => {
    expect((await cluster.post({ type: "ExternalName", externalName: "10.0.0.1" })).status).toBe(201);
    expect(refusal(await cluster.post({ type: "ExternalName", externalName: "fd00::1" }, "b"), "b")).toBe(
      `spec.externalName: Invalid value: "fd00::1": ${SUBDOMAIN}`,
    );
  });
});

describe("node ports", () => {
  const nodePort = { type: "NodePort" };

  test("TCP and UDP may share a node port, two Services may not", async () => {
    const dns = [
      { name: "dns", protocol: "UDP", port: 53, nodePort: 30053 },
      { name: "dns-tcp", protocol: "TCP", port: 53, nodePort: 30053 },
    ];
    await cluster.create({ ...nodePort, ports: dns });
    expect(
      refusal(await cluster.post({ ...nodePort, ports: [{ port: 80, nodePort: 30053 }] }, "b"), "b"),
    ).toBe("spec.ports[0].nodePort: Invalid value: 30053: provided port is already allocated");
    await cluster.api.delete(`${SERVICES}/a`);
    await cluster.create({ ...nodePort, ports: [{ port: 80, nodePort: 30053 }] }, "b");
  });

  test("a port keeps its node port by its name, whatever else of it changes", async () => {
    const { spec } = await cluster.create({ ...nodePort, ports: [{ name: "web", port: 80 }] });
    const changed = await cluster.put({ ...nodePort, ports: [{ name: "web", port: 8080, targetPort: 1 }] });
    expect(changed.spec.ports?.[0]?.nodePort).toBe(spec.ports?.[0]?.nodePort);
    const renamed = await cluster.put({ ...nodePort, ports: [{ name: "http", port: 8080 }] });
    expect(renamed.spec.ports?.[0]?.nodePort).not.toBe(spec.ports?.[0]?.nodePort);
  });

  test("of a load balancer they stay when none are to be allocated any more, until taken out", async () => {
    const { spec } = await cluster.create(balanced);
    const nodePortOf = spec.ports?.[0]?.nodePort;
    const kept = await cluster.patch({ allocateLoadBalancerNodePorts: false });
    expect(kept.spec.ports?.[0]?.nodePort).toBe(nodePortOf);
    const without = await cluster.create({ ...balanced, allocateLoadBalancerNodePorts: false }, "b");
    expect(without.spec.ports?.[0]?.nodePort).toBeUndefined();
  });

  test("they go with the type, and come with it", async () => {
    await cluster.create({ ...nodePort, ports: [{ port: 80, nodePort: 30080 }] });
    expect((await cluster.patch({ type: "ClusterIP" })).spec.ports?.[0]?.nodePort).toBeUndefined();
    await cluster.create({ ...nodePort, ports: [{ port: 80, nodePort: 30080 }] }, "b");
    expect((await cluster.patch(nodePort)).spec.ports?.[0]?.nodePort).toBeGreaterThanOrEqual(30000);
  });
});

describe("load balancers", () => {
  const local = { ...balanced, externalTrafficPolicy: "Local" };

  test("the health check's port is allocated, kept, immutable, and given back", async () => {
    const { spec } = await cluster.create(local);
    const port = spec.healthCheckNodePort ?? 0;
    expect(port).toBeGreaterThanOrEqual(30000);
    const put = await cluster.put({ ...local, ports: [{ port: 81 }] });
    expect(put.spec.healthCheckNodePort).toBe(port);
    expect(refusal(await cluster.tryPatch({ healthCheckNodePort: port + 1 }))).toBe(
      "spec.healthCheckNodePort: Forbidden: field is immutable",
    );
    const refused = await cluster.post({ ...local, healthCheckNodePort: port }, "b");
    expect([refused.status, refused.body.message]).toEqual([
      500,
      `Internal error occurred: failed to allocate requested HealthCheck NodePort ${port}: provided port is already allocated`,
    ]);
    expect(
      (await cluster.patch({ externalTrafficPolicy: "Cluster" })).spec.healthCheckNodePort,
    ).toBeUndefined();
    expect(
      (await cluster.create({ ...local, healthCheckNodePort: port }, "b")).spec.healthCheckNodePort,
    ).toBe(port);
  });

  test("the class never changes while the type stays, and goes with it", async () => {
    await cluster.create({ ...balanced, loadBalancerClass: "example.com/a" });
    expect(refusal(await cluster.tryPatch({ loadBalancerClass: "example.com/b" }))).toBe(
      'spec.loadBalancerClass: Invalid value: "example.com/b": may not change once set',
    );
    expect((await cluster.patch({ type: "ClusterIP" })).spec.loadBalancerClass).toBeUndefined();
    await cluster.create(balanced, "b");
    expect(refusal(await cluster.tryPatch({ loadBalancerClass: "example.com/b" }, "b"), "b")).toBe(
      'spec.loadBalancerClass: Invalid value: "example.com/b": may not change once set',
    );
  });

  test("the status says how packets arrive, and is cleared with the type", async () => {
    await cluster.create(balanced);
    const setStatus = (ingress: object[]) =>
      cluster.api.patch(`${SERVICES}/a/status`, "merge", { status: { loadBalancer: { ingress } } });
    const { body } = await setStatus([{ ip: "192.0.2.1" }]);
    expect(body.status).toEqual({ loadBalancer: { ingress: [{ ip: "192.0.2.1", ipMode: "VIP" }] } });
    expect(refusal(await setStatus([{ ip: "192.0.2.1", ipMode: "DSR" }]))).toBe(
      'status.loadBalancer.ingress[0].ipMode: Unsupported value: "DSR": supported values: "Proxy", "VIP"',
    );
    expect(refusal(await setStatus([{ hostname: "lb.example.com", ipMode: "VIP" }]))).toBe(
      "status.loadBalancer.ingress[0].ipMode: Forbidden: may not be specified when `ip` is not set",
    );
    expect(refusal(await setStatus([{ hostname: "192.0.2.1" }]))).toBe(
      'status.loadBalancer.ingress[0].hostname: Invalid value: "192.0.2.1": must be a DNS name, not an IP address',
    );
    expect((await cluster.patch({ type: "ClusterIP" })).status).toEqual({ loadBalancer: {} });
    expect(refusal(await setStatus([{ ip: "192.0.2.1", ipMode: "VIP" }]))).toBe(
      "status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is LoadBalancer",
    );
  });
});

describe("warnings", () => {
  test.each([
    [
      { externalIPs: ["192.0.2.1"] },
      ["spec.externalIPs is deprecated and may no longer be implemented in some clusters"],
    ],
    [
      { clusterIP: "None", externalIPs: ["192.0.2.1"], sessionAffinity: "ClientIP" },
      [
        "spec.externalIPs is ignored for headless services",
        "spec.SessionAffinity is ignored for headless services",
      ],
    ],
    [
      { type: "ExternalName", externalName: "example.com", externalIPs: ["192.0.2.1"] },
      ['spec.externalIPs is ignored when spec.type is "ExternalName"'],
    ],
    [{ externalName: "example.com" }, ['spec.externalName is ignored when spec.type is not "ExternalName"']],
    [
      { trafficDistribution: "PreferClose" },
      ['spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"'],
    ],
    [{ trafficDistribution: "PreferSameNode" }, []],
    [
      { clusterIP: "FD00:10:96::00AB" },
      [
        'spec.clusterIPs[0]: IPv6 address "FD00:10:96::00AB" should be in RFC 5952 canonical format ("fd00:10:96::ab")',
      ],
    ],
    [
      { ...balanced, loadBalancerIP: "010.0.0.1" },
      [
        'spec.loadBalancerIP: non-standard IP address "010.0.0.1" will be considered invalid in a future Kubernetes release: use "10.0.0.1"',
      ],
    ],
    [
      { ...balanced, loadBalancerSourceRanges: ["FD00::/64"] },
      [
        'spec.loadBalancerSourceRanges[0]: IPv6 CIDR value "FD00::/64" should be in RFC 5952 canonical format ("fd00::/64")',
      ],
    ],
  ])("%j", async (spec, warnings) => {
    const { headers, status } = await cluster.post(spec);
    expect(status).toBe(201);
    const sent = warnings.map((text) => `299 - ${JSON.stringify(text)}`).join(", ");
    expect(headers["warning"] ?? "").toBe(sent);
  });
});
