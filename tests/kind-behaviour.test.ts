import { beforeEach, describe, expect, test } from "@jest/globals";
import { admissionPlugins } from "../apiserver/admission/plugins.js";
import type { ApiServer } from "../apiserver/api-server.js";
import { bootstrap } from "../apiserver/bootstrap.js";
import { allResources } from "../apiserver/registry/resources.js";
import { memoryStorage } from "../apiserver/storage/memory-storage.js";
import type { Pod, Service } from "../machinery/api/core-v1.js";
import { directTransport } from "../machinery/client/direct-transport.js";
import { ApiClient } from "./conformance/api-client.js";
import { inProcessApi } from "./testkit/in-process-api.js";

const PODS = "/api/v1/namespaces/default/pods";
const SERVICES = "/api/v1/namespaces/default/services";
const NAMESPACES = "/api/v1/namespaces";
const AS_TABLE = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" };

let storage = memoryStorage();
let api: ApiClient;

async function startServer(): Promise<void> {
  const server: ApiServer = await inProcessApi(allResources(), { admission: admissionPlugins, storage });
  await bootstrap({
    store: (descriptor) => server.store(descriptor),
    address: { ip: "172.18.0.2", port: 6443 },
  });
  api = new ApiClient(directTransport(server));
}

beforeEach(async () => {
  storage = memoryStorage();
  await startServer();
  await api.post("/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
});

const container = { name: "web", image: "nginx" };
const createPod = async (name: string, spec: object = {}, metadata: object = {}): Promise<Pod> => {
  const reply = await api.post(PODS, {
    metadata: { name, ...metadata },
    spec: { containers: [container], ...spec },
  });
  expect(reply.body.message).toBeUndefined();
  return reply.body as unknown as Pod;
};
const createService = async (name: string, spec: object): Promise<Service> => {
  const reply = await api.post(SERVICES, { metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } });
  expect(reply.body.message).toBeUndefined();
  return reply.body as unknown as Service;
};
const getService = async (name: string): Promise<Service> =>
  (await api.get(`${SERVICES}/${name}`)).body as unknown as Service;
const bind = (name: string, node: string) =>
  api.post(`${PODS}/${name}/binding`, {
    apiVersion: "v1",
    kind: "Binding",
    metadata: { name },
    target: { kind: "Node", name: node },
  });

describe("Pods", () => {
  test("a Pod is completed with the defaults of the API", async () => {
    const pod = await createPod("a", {
      containers: [
        {
          name: "web",
          image: "nginx:1.27",
          ports: [{ containerPort: 80 }],
          resources: { limits: { cpu: 0.5, memory: "1024Mi" } },
          livenessProbe: { httpGet: { port: 80 } },
        },
      ],
    });
    expect(pod.spec).toMatchObject({
      restartPolicy: "Always",
      dnsPolicy: "ClusterFirst",
      terminationGracePeriodSeconds: 30,
      schedulerName: "default-scheduler",
      enableServiceLinks: true,
      securityContext: {},
      priority: 0,
      preemptionPolicy: "PreemptLowerPriority",
      serviceAccountName: "default",
      serviceAccount: "default",
    });
    expect(pod.spec.containers[0]).toMatchObject({
      imagePullPolicy: "IfNotPresent",
      terminationMessagePath: "/dev/termination-log",
      terminationMessagePolicy: "File",
      ports: [{ containerPort: 80, protocol: "TCP" }],
      resources: { limits: { cpu: "500m", memory: "1Gi" }, requests: { cpu: "500m", memory: "1Gi" } },
      livenessProbe: {
        httpGet: { path: "/", port: 80, scheme: "HTTP" },
        timeoutSeconds: 1,
        periodSeconds: 10,
        successThreshold: 1,
        failureThreshold: 3,
      },
    });
    expect(pod.status).toEqual({ phase: "Pending", qosClass: "Guaranteed" });
    expect(pod.metadata.generation).toBe(1);
    expect(pod.spec.tolerations?.map(({ key, tolerationSeconds }) => [key, tolerationSeconds])).toEqual([
      ["node.kubernetes.io/not-ready", 300],
      ["node.kubernetes.io/unreachable", 300],
    ]);
  });

  test("a Pod gets its ServiceAccount's token mounted, unless it opts out", async () => {
    const pod = await createPod("a");
    const volume = pod.spec.volumes?.[0];
    expect(volume?.name).toMatch(/^kube-api-access-[a-z0-9]{5}$/);
    expect(volume?.projected?.sources?.[0]?.serviceAccountToken).toEqual({
      expirationSeconds: 3607,
      path: "token",
    });
    expect(pod.spec.containers[0]?.volumeMounts).toEqual([
      {
        name: volume?.name,
        readOnly: true,
        mountPath: "/var/run/secrets/kubernetes.io/serviceaccount",
      },
    ]);
    const bare = await createPod("b", { automountServiceAccountToken: false });
    expect(bare.spec.volumes).toBeUndefined();
  });

  test("a Pod of an unknown ServiceAccount is refused", async () => {
    const reply = await api.post(PODS, {
      metadata: { name: "a" },
      spec: { serviceAccountName: "robot", containers: [container] },
    });
    expect(reply.status).toBe(403);
    expect(reply.body.message).toBe(
      'pods "a" is forbidden: error looking up service account default/robot: serviceaccount "robot" not found',
    );
  });

  test("a Pod's image may change, its ports may not", async () => {
    const pod = await createPod("a");
    const image = await api.patch(`${PODS}/a`, "strategic-merge", {
      spec: { containers: [{ name: "web", image: "nginx:2" }] },
    });
    expect(image.status).toBe(200);
    expect(image.body.metadata.generation).toBe(2);
    const ports = await api.patch(`${PODS}/a`, "strategic-merge", {
      spec: { containers: [{ name: "web", ports: [{ containerPort: 80 }] }] },
    });
    expect(ports.status).toBe(422);
    expect(ports.body.message).toContain(
      'Pod "a" is invalid: spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n',
    );
    const status = await api.put(`${PODS}/a`, {
      ...pod,
      metadata: { name: "a" },
      status: { phase: "Running" },
    });
    expect((status.body as unknown as Pod).status.phase).toBe("Pending");
  });

  test("the status subresource changes the status and nothing else", async () => {
    const pod = await createPod("a");
    const reply = await api.put(`${PODS}/a/status`, {
      ...pod,
      spec: { containers: [{ name: "other", image: "x" }] },
      status: { ...pod.status, phase: "Running", podIP: "10.244.0.5", podIPs: [{ ip: "10.244.0.5" }] },
    });
    expect(reply.status).toBe(200);
    const stored = reply.body as unknown as Pod;
    expect(stored.spec).toEqual(pod.spec);
    expect(stored.status.podIP).toBe("10.244.0.5");
    const selected = await api.get(`${PODS}?fieldSelector=status.podIP%3D10.244.0.5,status.phase!%3DPending`);
    expect(selected.body.items).toHaveLength(1);
  });

  test("a Pod without a node is deleted at once, a placed one within its grace period", async () => {
    await createPod("a");
    expect((await api.delete(`${PODS}/a`)).status).toBe(200);
    expect((await api.get(`${PODS}/a`)).status).toBe(404);

    await createPod("b");
    expect((await bind("b", "node-1")).status).toBe(201);
    const marked = await api.delete(`${PODS}/b`);
    expect(marked.body.metadata.deletionGracePeriodSeconds).toBe(30);
    expect((await api.delete(`${PODS}/b`, { gracePeriodSeconds: 0 })).status).toBe(200);
    expect((await api.get(`${PODS}/b`)).status).toBe(404);
  });

  test("a Pod is bound once", async () => {
    await createPod("a");
    const first = await bind("a", "node-1");
    expect(first.body).toMatchObject({ kind: "Status", status: "Success" });
    const second = await bind("a", "node-2");
    expect(second.status).toBe(409);
    expect(second.body.message).toBe(
      'Operation cannot be fulfilled on pods/binding "a": pod a is already assigned to node "node-1"',
    );
    const pod = (await api.get(`${PODS}/a`)).body as unknown as Pod;
    expect(pod.spec.nodeName).toBe("node-1");
    expect(pod.status.conditions).toMatchObject([{ type: "PodScheduled", status: "True" }]);
    expect(pod.metadata.generation).toBe(1);
  });

  test("an eviction deletes the Pod gracefully and says why", async () => {
    await createPod("a");
    await bind("a", "node-1");
    const reply = await api.post(`${PODS}/a/eviction`, {
      apiVersion: "policy/v1",
      kind: "Eviction",
      metadata: { name: "a" },
    });
    expect(reply.status).toBe(201);
    const pod = (await api.get(`${PODS}/a`)).body as unknown as Pod;
    expect(pod.metadata.deletionTimestamp).toBeDefined();
    expect(pod.status.conditions).toContainEqual(
      expect.objectContaining({ type: "DisruptionTarget", reason: "EvictionByEvictionAPI" }),
    );
  });

  test("logs of a Pod with two containers need a choice", async () => {
    await createPod("a", { containers: [container, { name: "side", image: "busybox" }] });
    const reply = await api.get(`${PODS}/a/log`);
    expect(reply.status).toBe(400);
    expect(reply.body.message).toBe(
      "a container name must be specified for pod a, choose one of: [web side]",
    );
    const wrong = await api.get(`${PODS}/a/log?container=db`);
    expect(wrong.body.message).toBe("container db is not valid for pod a");
  });
});

describe("Services", () => {
  test("a Service gets an address of the upper band and the defaults of the API", async () => {
    const { spec, status } = await createService("a", {});
    expect(spec).toMatchObject({
      type: "ClusterIP",
      ports: [{ port: 80, protocol: "TCP", targetPort: 80 }],
      sessionAffinity: "None",
      internalTrafficPolicy: "Cluster",
      ipFamilies: ["IPv4"],
      ipFamilyPolicy: "SingleStack",
    });
    expect(spec.clusterIP).toMatch(/^10\.(9[6-9]|10\d|11[01])\.\d+\.\d+$/);
    expect(spec.clusterIP?.startsWith("10.96.0.")).toBe(false);
    expect(spec.clusterIPs).toEqual([spec.clusterIP]);
    expect(status).toEqual({ loadBalancer: {} });
  });

  test("a replaced Service keeps address and node port that its manifest leaves out", async () => {
    const before = await createService("a", { type: "NodePort" });
    const nodePort = before.spec.ports?.[0]?.nodePort;
    expect(nodePort).toBeGreaterThanOrEqual(30086);
    const reply = await api.put(`${SERVICES}/a`, {
      metadata: { name: "a", labels: { tier: "front" } },
      spec: { type: "NodePort", ports: [{ port: 80 }] },
    });
    expect(reply.status).toBe(200);
    const after = await getService("a");
    expect(after.spec.clusterIP).toBe(before.spec.clusterIP);
    expect(after.spec.ports?.[0]?.nodePort).toBe(nodePort);
  });

  test("a node port is free again once its Service is a ClusterIP one or gone", async () => {
    await createService("a", { type: "NodePort", ports: [{ port: 80, nodePort: 30080 }] });
    const taken = {
      metadata: { name: "b" },
      spec: { type: "NodePort", ports: [{ port: 80, nodePort: 30080 }] },
    };
    const refused = await api.post(SERVICES, taken);
    expect(refused.body.message).toBe(
      'Service "b" is invalid: spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated',
    );
    await api.put(`${SERVICES}/a`, { metadata: { name: "a" }, spec: { ports: [{ port: 80 }] } });
    expect((await getService("a")).spec.ports?.[0]?.nodePort).toBeUndefined();
    expect((await api.post(SERVICES, taken)).status).toBe(201);
    await api.delete(`${SERVICES}/b`);
    expect((await api.post(SERVICES, taken)).status).toBe(201);
  });

  test("what a dry run or a refused write claimed is free again", async () => {
    const object = { metadata: { name: "a" }, spec: { clusterIP: "10.96.0.77", ports: [{ port: 80 }] } };
    expect((await api.post(`${SERVICES}?dryRun=All`, object)).status).toBe(201);
    expect((await api.post(SERVICES, object)).status).toBe(201);
    const again = await api.post(SERVICES, { ...object, spec: { ...object.spec, clusterIP: "10.96.0.78" } });
    expect(again.status).toBe(409);
    await createService("b", { clusterIP: "10.96.0.78" });
  });

  test("a restarted server knows which addresses and ports are taken", async () => {
    const { spec } = await createService("a", { type: "NodePort", ports: [{ port: 80, nodePort: 30080 }] });
    const server = await inProcessApi(
      allResources().filter(({ descriptor }) => descriptor.plural !== "namespaces"),
      { storage },
    );
    const restarted = new ApiClient(directTransport(server));
    const reply = await restarted.post(SERVICES, {
      metadata: { name: "b" },
      spec: { clusterIP: spec.clusterIP, ports: [{ port: 80 }] },
    });
    expect(reply.body.message).toContain("provided IP is already allocated");
  });

  test("a cluster IP does not change", async () => {
    await createService("a", { clusterIP: "10.96.0.50" });
    const reply = await api.put(`${SERVICES}/a`, {
      metadata: { name: "a" },
      spec: { clusterIP: "10.96.0.51", ports: [{ port: 80 }] },
    });
    expect(reply.body.message).toBe(
      'Service "a" is invalid: spec.clusterIPs[0]: Invalid value: ["10.96.0.51"]: may not change once set',
    );
  });

  test("a Service may turn into an ExternalName and back", async () => {
    const { spec } = await createService("a", { clusterIP: "10.96.0.50" });
    const out = await api.put(`${SERVICES}/a`, {
      metadata: { name: "a" },
      spec: { ...spec, type: "ExternalName", externalName: "example.com" },
    });
    expect(out.body.message).toBeUndefined();
    expect((out.body as unknown as Service).spec).toEqual({
      type: "ExternalName",
      externalName: "example.com",
      ports: [{ port: 80, protocol: "TCP", targetPort: 80 }],
      sessionAffinity: "None",
      internalTrafficPolicy: "Cluster",
    });
    await createService("b", { clusterIP: "10.96.0.50" });
    const back = await api.put(`${SERVICES}/a`, { metadata: { name: "a" }, spec: { ports: [{ port: 80 }] } });
    expect((back.body as unknown as Service).spec.clusterIP).toMatch(/^10\./);
  });

  test("a headless Service has no address; without a selector it may hold both families", async () => {
    const selecting = await createService("a", { clusterIP: "None", selector: { app: "a" } });
    expect(selecting.spec).toMatchObject({ clusterIP: "None", clusterIPs: ["None"], ipFamilies: ["IPv4"] });
    const unmanaged = await createService("b", { clusterIP: "None" });
    expect(unmanaged.spec).toMatchObject({
      ipFamilies: ["IPv4", "IPv6"],
      ipFamilyPolicy: "RequireDualStack",
    });
  });

  test("TCP and UDP of one port share a node port", async () => {
    const { spec } = await createService("a", {
      type: "NodePort",
      ports: [
        { name: "t", port: 53 },
        { name: "u", port: 53, protocol: "UDP" },
        { name: "w", port: 80 },
      ],
    });
    const [t, u, w] = (spec.ports ?? []).map((port) => port.nodePort);
    expect(t).toBe(u);
    expect(w).not.toBe(t);
  });

  test("Services are shown as kubectl shows them", async () => {
    await createService("a", { type: "LoadBalancer", ports: [{ port: 80, nodePort: 30081 }] });
    await createService("b", { type: "ExternalName", externalName: "example.com", ports: [] });
    const table = await api.get(SERVICES, AS_TABLE);
    const cells = table.body.rows?.map((row) => row.cells.slice(0, 5));
    expect(cells).toEqual([
      ["a", "LoadBalancer", expect.any(String), "<pending>", "80:30081/TCP"],
      ["b", "ExternalName", "<none>", "example.com", "<none>"],
      ["kubernetes", "ClusterIP", "10.96.0.1", "<none>", "443/TCP"],
    ]);
  });
});

describe("Namespaces", () => {
  test("nothing is created in a namespace that does not exist", async () => {
    const reply = await api.post("/api/v1/namespaces/nowhere/configmaps", { metadata: { name: "a" } });
    expect(reply.status).toBe(404);
    expect(reply.body.message).toBe('namespaces "nowhere" not found');
  });

  test("a deleted Namespace is Terminating until it is finalized, and takes nothing new", async () => {
    await api.post(NAMESPACES, { metadata: { name: "a" } });
    const marked = await api.delete(`${NAMESPACES}/a`);
    expect(marked.body.status).toEqual({ phase: "Terminating" });
    const reply = await api.post("/api/v1/namespaces/a/configmaps", { metadata: { name: "late" } });
    expect(reply.status).toBe(403);
    expect(reply.body.message).toBe(
      'configmaps "late" is forbidden: unable to create new content in namespace a because it is being terminated',
    );
    expect(reply.body.details?.causes).toEqual([
      {
        reason: "NamespaceTerminating",
        message: "namespace a is being terminated",
        field: "metadata.namespace",
      },
    ]);
    await api.put(`${NAMESPACES}/a/finalize`, { ...marked.body, spec: { finalizers: [] } });
    expect((await api.get(`${NAMESPACES}/a`)).status).toBe(404);
  });

  test("the system's namespaces stay", async () => {
    const reply = await api.delete(`${NAMESPACES}/default`);
    expect(reply.status).toBe(403);
    expect(reply.body.message).toBe('namespaces "default" is forbidden: this namespace may not be deleted');
  });
});

describe("workloads", () => {
  const deployment = {
    metadata: { name: "web" },
    spec: {
      selector: { matchLabels: { app: "web" } },
      template: { metadata: { labels: { app: "web" } }, spec: { containers: [container] } },
    },
  };
  const path = "/apis/apps/v1/namespaces/default/deployments";

  test("a Deployment is completed with the defaults of the API and shown by kubectl", async () => {
    const { body } = await api.post(path, deployment);
    expect(body.spec).toMatchObject({
      replicas: 1,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "25%", maxUnavailable: "25%" } },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
    });
    const table = await api.get(path, AS_TABLE);
    expect(table.body.rows?.[0]?.cells).toEqual(["web", "0/1", 0, 0, "0s", "web", "nginx", "app=web"]);
  });

  test("a Deployment is scaled through its scale", async () => {
    await api.post(path, deployment);
    const scaled = await api.patch(`${path}/web/scale`, "merge", { spec: { replicas: 3 } });
    expect(scaled.body).toMatchObject({
      kind: "Scale",
      apiVersion: "autoscaling/v1",
      spec: { replicas: 3 },
      status: { replicas: 0, selector: "app=web" },
    });
    const stored = await api.get(`${path}/web`);
    expect(stored.body.metadata.generation).toBe(2);
  });

  test("a Deployment's selector does not change", async () => {
    await api.post(path, deployment);
    const labels = { app: "web", tier: "front" };
    const reply = await api.put(`${path}/web`, {
      metadata: { name: "web" },
      spec: {
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [container] } },
      },
    });
    expect(reply.body.message).toBe(
      'Deployment.apps "web" is invalid: spec.selector: Invalid value: {"matchLabels":{"app":"web","tier":"front"}}: field is immutable',
    );
  });
});

test("an Event is one object in two spellings", async () => {
  await api.post("/api/v1/namespaces/default/events", {
    metadata: { name: "e" },
    involvedObject: { kind: "Pod", namespace: "default", name: "a" },
    reason: "Started",
    message: "Started container web",
    source: { component: "kubelet", host: "node-1" },
    type: "Normal",
    count: 2,
  });
  const newer = await api.get("/apis/events.k8s.io/v1/namespaces/default/events/e");
  expect(newer.body).toMatchObject({
    apiVersion: "events.k8s.io/v1",
    regarding: { kind: "Pod", name: "a" },
    note: "Started container web",
    deprecatedCount: 2,
    deprecatedSource: { component: "kubelet" },
  });
  const table = await api.get(
    "/api/v1/namespaces/default/events?fieldSelector=involvedObject.name%3Da,type!%3DWarning",
    AS_TABLE,
  );
  expect(table.body.rows?.map(({ cells }) => cells.slice(1, 7))).toEqual([
    ["Normal", "Started", "pod/a", "", "kubelet, node-1", "Started container web"],
  ]);
});

test("a new Node is tainted until it is ready, and shown by kubectl", async () => {
  await api.post("/api/v1/nodes", {
    metadata: { name: "node-1", labels: { "node-role.kubernetes.io/worker": "" } },
    spec: { unschedulable: true },
    status: { conditions: [{ type: "Ready", status: "False" }], nodeInfo: { kubeletVersion: "v1.36.0" } },
  });
  const node = (await api.get("/api/v1/nodes/node-1")).body;
  expect(node.spec?.["taints"]).toEqual([{ key: "node.kubernetes.io/not-ready", effect: "NoSchedule" }]);
  const table = await api.get("/api/v1/nodes", AS_TABLE);
  expect(table.body.rows?.[0]?.cells.slice(0, 6)).toEqual([
    "node-1",
    "NotReady,SchedulingDisabled",
    "worker",
    "0s",
    "v1.36.0",
    "<none>",
  ]);
});

test("who may do what is answered by the authoriser in force", async () => {
  const review = await api.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {
    spec: { resourceAttributes: { verb: "create", resource: "pods", namespace: "default" } },
  });
  expect(review.status).toBe(201);
  expect(review.body.status).toEqual({ allowed: true });
  const self = await api.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", {});
  expect(self.body.status).toMatchObject({ userInfo: { username: "admin" } });
});

test("odd but legal objects are stored with a warning", async () => {
  const reply = await api.post(PODS, {
    metadata: { name: "my.pod" },
    spec: {
      containers: [
        {
          ...container,
          env: [
            { name: "A", value: "1" },
            { name: "A", value: "2" },
          ],
        },
      ],
    },
  });
  expect(reply.status).toBe(201);
  expect(reply.headers["warning"]).toBe(
    '299 - "metadata.name: this is used in the Pod\'s hostname, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]", ' +
      '299 - "spec.containers[0].env[1]: hides previous definition of \\"A\\", which may be dropped when using apply"',
  );
  const endpoints = await api.get("/api/v1/namespaces/default/endpoints/kubernetes");
  expect(endpoints.headers["warning"]).toBe(
    '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"',
  );
});
