import { expect, test } from "@jest/globals";
import { admissionPlugins } from "../apiserver/admission/plugins.js";
import { allResources } from "../apiserver/registry/resources.js";
import { deepCopy } from "../machinery/api/deep-equal.js";
import type { Rng } from "../machinery/api/rng.js";
import { directTransport } from "../machinery/client/direct-transport.js";
import { seededRng } from "../machinery/runtime/seeded-rng.js";
import { ApiClient } from "./conformance/api-client.js";
import { inProcessApi } from "./testkit/in-process-api.js";

// Whatever a client sends, the answer is the client's error, never the server's.

const probe = { httpGet: { path: "/", port: "http", httpHeaders: [{ name: "A", value: "b" }] } };
const podSpec = {
  serviceAccountName: "default",
  hostAliases: [{ ip: "10.0.0.1", hostnames: ["a"] }],
  dnsConfig: { nameservers: ["10.0.0.1"], options: [{ name: "ndots", value: "2" }] },
  tolerations: [{ key: "a", operator: "Exists", effect: "NoExecute", tolerationSeconds: 5 }],
  nodeSelector: { a: "b" },
  readinessGates: [{ conditionType: "example.com/a" }],
  schedulingGates: [{ name: "example.com/a" }],
  topologySpreadConstraints: [
    {
      maxSkew: 1,
      topologyKey: "zone",
      whenUnsatisfiable: "DoNotSchedule",
      labelSelector: { matchLabels: { a: "b" } },
    },
  ],
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: "a", operator: "In", values: ["b"] }] }],
      },
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: { matchExpressions: [] } }],
    },
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { topologyKey: "zone", labelSelector: { matchLabels: { a: "b" } } },
      ],
      preferredDuringSchedulingIgnoredDuringExecution: [
        { weight: 1, podAffinityTerm: { topologyKey: "zone" } },
      ],
    },
  },
  initContainers: [{ name: "i", image: "busybox", restartPolicy: "Always" }],
  containers: [
    {
      name: "web",
      image: "nginx",
      command: ["sh"],
      ports: [{ name: "http", containerPort: 80, hostPort: 8080, protocol: "TCP" }],
      env: [
        { name: "A", value: "b" },
        { name: "F", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
        { name: "K", valueFrom: { configMapKeyRef: { name: "c", key: "k", optional: true } } },
        { name: "R", valueFrom: { resourceFieldRef: { resource: "limits.cpu" } } },
      ],
      envFrom: [{ prefix: "P", configMapRef: { name: "c" } }],
      resources: { limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "100m" } },
      volumeMounts: [{ name: "v", mountPath: "/v", subPath: "a" }],
      livenessProbe: { exec: { command: ["true"] }, periodSeconds: 5 },
      readinessProbe: probe,
      lifecycle: { preStop: { sleep: { seconds: 1 } }, postStart: { httpGet: { port: 80 } } },
    },
  ],
  volumes: [
    { name: "v", emptyDir: { sizeLimit: "1Gi" } },
    { name: "c", configMap: { name: "c", items: [{ key: "a", path: "b" }] } },
    { name: "s", secret: { secretName: "s" } },
    { name: "d", downwardAPI: { items: [{ path: "a", fieldRef: { fieldPath: "metadata.labels" } }] } },
    {
      name: "p",
      projected: { sources: [{ serviceAccountToken: { path: "t" } }, { configMap: { name: "c" } }] },
    },
  ],
};
const template = { metadata: { labels: { app: "x" } }, spec: podSpec };
const workload = {
  metadata: { name: "x" },
  spec: { replicas: 1, selector: { matchLabels: { app: "x" } }, template },
};

const MANIFESTS: [path: string, manifest: object][] = [
  ["/api/v1/namespaces/default/pods", { metadata: { name: "x", labels: { a: "b" } }, spec: podSpec }],
  [
    "/apis/apps/v1/namespaces/default/deployments",
    { ...workload, spec: { ...workload.spec, strategy: { rollingUpdate: { maxSurge: 1 } } } },
  ],
  ["/apis/apps/v1/namespaces/default/replicasets", workload],
  [
    "/api/v1/namespaces/default/services",
    {
      metadata: { name: "x" },
      spec: {
        type: "LoadBalancer",
        selector: { a: "b" },
        clusterIP: "10.96.0.9",
        clusterIPs: ["10.96.0.9"],
        ipFamilies: ["IPv4"],
        externalIPs: ["1.2.3.4"],
        externalTrafficPolicy: "Local",
        sessionAffinity: "ClientIP",
        sessionAffinityConfig: { clientIP: { timeoutSeconds: 5 } },
        ports: [
          { name: "a", port: 80, targetPort: "http", nodePort: 30100 },
          { name: "b", port: 81, protocol: "UDP" },
        ],
      },
      status: { loadBalancer: { ingress: [{ ip: "1.2.3.4" }] } },
    },
  ],
  [
    "/api/v1/nodes",
    {
      metadata: { name: "x" },
      spec: { taints: [{ key: "a", effect: "NoSchedule" }], podCIDRs: ["10.0.0.0/24"] },
      status: {
        conditions: [{ type: "Ready", status: "True" }],
        addresses: [{ type: "InternalIP", address: "1.2.3.4" }],
        capacity: { cpu: "1" },
      },
    },
  ],
  ["/api/v1/namespaces", { metadata: { name: "x" }, spec: { finalizers: ["a.b/c"] } }],
  [
    "/api/v1/namespaces/default/configmaps",
    { metadata: { name: "x" }, data: { a: "b" }, binaryData: { c: "YQ==" }, immutable: true },
  ],
  [
    "/api/v1/namespaces/default/secrets",
    { metadata: { name: "x" }, data: { a: "YQ==" }, stringData: { b: "c" }, type: "Opaque" },
  ],
  [
    "/api/v1/namespaces/default/endpoints",
    {
      metadata: { name: "x" },
      subsets: [{ addresses: [{ ip: "1.2.3.4", targetRef: { kind: "Pod" } }], ports: [{ port: 80 }] }],
    },
  ],
  [
    "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
    {
      metadata: { name: "x" },
      addressType: "IPv4",
      endpoints: [{ addresses: ["1.2.3.4"], conditions: { ready: true } }],
      ports: [{ name: "a", port: 80 }],
    },
  ],
  [
    "/apis/coordination.k8s.io/v1/namespaces/default/leases",
    { metadata: { name: "x" }, spec: { holderIdentity: "a", leaseDurationSeconds: 5 } },
  ],
  [
    "/api/v1/namespaces/default/events",
    {
      metadata: { name: "x" },
      involvedObject: { kind: "Pod", namespace: "default", name: "a" },
      source: { component: "c" },
      series: { count: 2, lastObservedTime: "2026-01-01T00:00:00.000000Z" },
    },
  ],
  [
    "/apis/events.k8s.io/v1/namespaces/default/events",
    {
      metadata: { name: "x" },
      regarding: { namespace: "default" },
      eventTime: "2026-01-01T00:00:00.000000Z",
      reportingController: "c",
      reportingInstance: "i",
      action: "a",
      reason: "r",
    },
  ],
  [
    "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    { spec: { resourceAttributes: { verb: "get", resource: "pods" } } },
  ],
  [
    "/apis/authorization.k8s.io/v1/subjectaccessreviews",
    { spec: { user: "a", nonResourceAttributes: { path: "/", verb: "get" } } },
  ],
  ["/apis/authentication.k8s.io/v1/tokenreviews", { spec: { token: "a" } }],
];

const ODD: unknown[] = [
  null,
  "",
  0,
  -1,
  1e21,
  1.5,
  true,
  [],
  {},
  [null],
  [{}],
  { a: null },
  "x".repeat(300),
  "-",
  "None",
];

/** A copy with one to three places broken: taken away, doubled, or replaced by something odd. */
function mangle(manifest: object, rng: Rng): object {
  const copy = deepCopy(manifest);
  for (let breaks = rng.int(1, 3); breaks > 0; breaks--) {
    let at: Record<string, unknown> = copy as Record<string, unknown>;
    for (;;) {
      const keys = Object.keys(at);
      if (keys.length === 0) break;
      const key = rng.pick(keys);
      const inner = at[key];
      if (typeof inner === "object" && inner !== null && Object.keys(inner).length > 0 && rng.next() < 0.8) {
        at = inner as Record<string, unknown>;
        continue;
      }
      if (rng.next() < 0.3) delete at[key];
      else if (Array.isArray(at) && rng.next() < 0.5) at.push(deepCopy(inner));
      else at[key] = deepCopy(rng.pick(ODD));
      break;
    }
  }
  return copy;
}

test.each(MANIFESTS)(
  "mangled objects sent to %s are answered, never with an internal error",
  async (path, manifest) => {
    const rng = seededRng(path);
    const server = await inProcessApi(allResources(), { admission: admissionPlugins });
    const api = new ApiClient(directTransport(server));
    await api.post("/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
    const intact = await api.post(path, manifest);
    expect([intact.status, intact.body.message]).toEqual([201, undefined]);
    for (let i = 0; i < 400; i++) {
      const mangled = mangle(manifest, rng);
      const stored = path.includes("review") ? undefined : await api.put(`${path}/x`, mangled);
      const created = await api.post(`${path}?dryRun=All`, mangled);
      for (const reply of [stored, created])
        if (reply && reply.status >= 500) expect([reply.body.message, JSON.stringify(mangled)]).toEqual([]);
    }
    const table = await api.get(path, { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" });
    expect(table.status).toBeLessThan(500);
  },
);
