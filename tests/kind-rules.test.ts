import { beforeAll, expect, test } from "@jest/globals";
import { admissionPlugins } from "../apiserver/admission/plugins.js";
import { bootstrap } from "../apiserver/bootstrap.js";
import { allResources } from "../apiserver/registry/resources.js";
import { directTransport } from "../machinery/client/direct-transport.js";
import { ApiClient } from "./conformance/api-client.js";
import { inProcessApi } from "./testkit/in-process-api.js";

// Exact messages of a real server for manifests that are wrong in one way each.

let api: ApiClient;
beforeAll(async () => {
  const server = await inProcessApi(allResources(), { admission: admissionPlugins });
  await bootstrap({
    store: (descriptor) => server.store(descriptor),
    address: { ip: "172.18.0.2", port: 6443 },
  });
  api = new ApiClient(directTransport(server));
  await api.post("/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
});

const PATHS: Record<string, string> = {
  Pod: "/api/v1/namespaces/default/pods",
  Service: "/api/v1/namespaces/default/services",
  ConfigMap: "/api/v1/namespaces/default/configmaps",
  Secret: "/api/v1/namespaces/default/secrets",
  Namespace: "/api/v1/namespaces",
  Node: "/api/v1/nodes",
  Endpoints: "/api/v1/namespaces/default/endpoints",
  EndpointSlice: "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
  Deployment: "/apis/apps/v1/namespaces/default/deployments",
  ReplicaSet: "/apis/apps/v1/namespaces/default/replicasets",
  Lease: "/apis/coordination.k8s.io/v1/namespaces/default/leases",
  Event: "/api/v1/namespaces/default/events",
};

const container = { name: "web", image: "nginx" };
const pod = (spec: object) => ({ metadata: { name: "x" }, spec: { containers: [container], ...spec } });
const withContainer = (more: object) => pod({ containers: [{ ...container, ...more }] });
const service = (spec: object) => ({ metadata: { name: "x" }, spec: { ports: [{ port: 80 }], ...spec } });
const deployment = (spec: object) => ({
  metadata: { name: "x" },
  spec: {
    selector: { matchLabels: { app: "x" } },
    template: { metadata: { labels: { app: "x" } }, spec: { containers: [container] } },
    ...spec,
  },
});
const probe = (more: object) => withContainer({ readinessProbe: more });
const slice = (more: object) => ({
  metadata: { name: "x" },
  addressType: "IPv4",
  endpoints: [{ addresses: ["10.0.0.1"] }],
  ...more,
});

const SUBDOMAIN =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const LABEL_VALUE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

type Case = [title: string, kind: string, object: { metadata: { name?: string } }, problem: string];

const CASES: Case[] = [
  ["a Pod needs a container", "Pod", pod({ containers: [] }), "spec.containers: Required value"],
  [
    "a Pod's name has no capitals",
    "Pod",
    { ...pod({}), metadata: { name: "Web" } },
    `metadata.name: Invalid value: "Web": ${SUBDOMAIN}`,
  ],
  [
    "a container needs a name",
    "Pod",
    pod({ containers: [{ image: "nginx" }] }),
    "spec.containers[0].name: Required value",
  ],
  [
    "a container's name is a label",
    "Pod",
    withContainer({ name: "My_App" }),
    `spec.containers[0].name: Invalid value: "My_App": ${LABEL}`,
  ],
  [
    "a container needs an image",
    "Pod",
    pod({ containers: [{ name: "web" }] }),
    "spec.containers[0].image: Required value",
  ],
  [
    "an image has no spaces around it",
    "Pod",
    withContainer({ image: " nginx" }),
    'spec.containers[0].image: Invalid value: " nginx": must not have leading or trailing whitespace',
  ],
  [
    "containers have different names",
    "Pod",
    pod({ containers: [container, container] }),
    'spec.containers[1].name: Duplicate value: "web"',
  ],
  [
    "a container port of 0 is no port",
    "Pod",
    withContainer({ ports: [{ containerPort: 0 }] }),
    "spec.containers[0].ports[0].containerPort: Required value",
  ],
  [
    "a container port ends at 65535",
    "Pod",
    withContainer({ ports: [{ containerPort: 70000 }] }),
    "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
  ],
  [
    "a port speaks TCP, UDP or SCTP",
    "Pod",
    withContainer({ ports: [{ containerPort: 80, protocol: "HTTP" }] }),
    'spec.containers[0].ports[0].protocol: Unsupported value: "HTTP": supported values: "SCTP", "TCP", "UDP"',
  ],
  [
    "a port's name is short",
    "Pod",
    withContainer({ ports: [{ containerPort: 80, name: "a-name-of-17-char" }] }),
    'spec.containers[0].ports[0].name: Invalid value: "a-name-of-17-char": must be no more than 15 characters',
  ],
  [
    "an environment variable needs a name",
    "Pod",
    withContainer({ env: [{ value: "x" }] }),
    "spec.containers[0].env[0].name: Required value",
  ],
  [
    "a value comes from one place",
    "Pod",
    withContainer({
      env: [{ name: "A", value: "x", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
    }),
    'spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
  ],
  [
    "a field reference names a field",
    "Pod",
    withContainer({ env: [{ name: "A", valueFrom: { fieldRef: { fieldPath: "status.phase" } } }] }),
    'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "status.phase": supported values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"',
  ],
  [
    "a mount needs its volume",
    "Pod",
    withContainer({ volumeMounts: [{ name: "data", mountPath: "/data" }] }),
    'spec.containers[0].volumeMounts[0].name: Not found: "data"',
  ],
  [
    "a volume is of one type",
    "Pod",
    pod({ volumes: [{ name: "v", emptyDir: {}, hostPath: { path: "/" } }] }),
    "spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type",
  ],
  [
    "volumes have different names",
    "Pod",
    pod({ volumes: [{ name: "v" }, { name: "v" }] }),
    'spec.volumes[1].name: Duplicate value: "v"',
  ],
  [
    "a request is within its limit",
    "Pod",
    withContainer({ resources: { limits: { cpu: "100m" }, requests: { cpu: "1" } } }),
    'spec.containers[0].resources.requests: Invalid value: "1": must be less than or equal to cpu limit of 100m',
  ],
  [
    "a limit is not negative",
    "Pod",
    withContainer({ resources: { limits: { memory: "-1Gi" } } }),
    '[spec.containers[0].resources.limits[memory]: Invalid value: "-1Gi": must be greater than or equal to 0, spec.containers[0].resources.requests[memory]: Invalid value: "-1Gi": must be greater than or equal to 0]',
  ],
  [
    "a probe does something",
    "Pod",
    probe({}),
    "spec.containers[0].readinessProbe: Required value: must specify a handler type",
  ],
  [
    "a probe does one thing",
    "Pod",
    probe({ tcpSocket: { port: 80 }, exec: { command: ["true"] } }),
    "spec.containers[0].readinessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type",
  ],
  [
    "a liveness probe succeeds once",
    "Pod",
    withContainer({ livenessProbe: { tcpSocket: { port: 80 }, successThreshold: 2 } }),
    "spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1",
  ],
  [
    "a probe's port may be a name, but a good one",
    "Pod",
    probe({ httpGet: { port: "no_good" } }),
    'spec.containers[0].readinessProbe.httpGet.port: Invalid value: "no_good": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
  ],
  [
    "restartPolicy is one of three",
    "Pod",
    pod({ restartPolicy: "Sometimes" }),
    'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"',
  ],
  [
    "dnsPolicy is one of four",
    "Pod",
    pod({ dnsPolicy: "Mine" }),
    'spec.dnsPolicy: Unsupported value: "Mine": supported values: "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"',
  ],
  [
    "dnsPolicy None needs a dnsConfig",
    "Pod",
    pod({ dnsPolicy: "None" }),
    "spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None",
  ],
  [
    "an init container has no probes",
    "Pod",
    pod({ initContainers: [{ ...container, name: "i", livenessProbe: { tcpSocket: { port: 1 } } }] }),
    "spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always",
  ],
  [
    "an empty toleration tolerates all",
    "Pod",
    pod({ tolerations: [{ operator: "Equal" }] }),
    'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
  ],
  [
    "host ports do not clash",
    "Pod",
    withContainer({
      ports: [
        { containerPort: 80, hostPort: 80 },
        { containerPort: 81, hostPort: 80 },
      ],
    }),
    'spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//80"',
  ],
  [
    "host network means host ports",
    "Pod",
    pod({ hostNetwork: true, containers: [{ ...container, ports: [{ containerPort: 80, hostPort: 81 }] }] }),
    "spec.containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when `hostNetwork` is true",
  ],
  [
    "a label's value is a word",
    "Pod",
    { ...pod({}), metadata: { name: "x", labels: { a: "b c" } } } as Case[2],
    `metadata.labels: Invalid value: "b c": ${LABEL_VALUE}`,
  ],

  ["a Service needs ports", "Service", service({ ports: [] }), "spec.ports: Required value"],
  [
    "a Service port of 0 is no port",
    "Service",
    service({ ports: [{ port: 0, targetPort: 1 }] }),
    "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
  ],
  [
    "a Service port ends at 65535",
    "Service",
    service({ ports: [{ port: 70000, targetPort: 80 }] }),
    "spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive",
  ],
  [
    "two ports need names",
    "Service",
    service({ ports: [{ port: 80 }, { port: 81, name: "b" }] }),
    "spec.ports[0].name: Required value",
  ],
  [
    "two ports have different numbers",
    "Service",
    service({
      ports: [
        { port: 80, name: "a" },
        { port: 80, name: "b" },
      ],
    }),
    'spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}',
  ],
  [
    "a node port lies in the range",
    "Service",
    service({ type: "NodePort", ports: [{ port: 80, nodePort: 80 }] }),
    "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767",
  ],
  [
    "a ClusterIP Service has no node port",
    "Service",
    service({ ports: [{ port: 80, nodePort: 30080 }] }),
    "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
  ],
  [
    "a Service's type is one of four",
    "Service",
    service({ type: "Ingress" }),
    'spec.type: Unsupported value: "Ingress": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
  ],
  [
    "a Service's name starts with a letter",
    "Service",
    { ...service({}), metadata: { name: "1web" } },
    `metadata.name: Invalid value: "1web": a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')`,
  ],
  [
    "an ExternalName Service has a name",
    "Service",
    service({ type: "ExternalName" }),
    "spec.externalName: Required value",
  ],
  [
    "a cluster IP lies in the range",
    "Service",
    service({ clusterIP: "10.0.0.1" }),
    'spec.clusterIPs: Invalid value: ["10.0.0.1"]: failed to allocate IP 10.0.0.1: the provided network does not match the current range',
  ],
  [
    "a cluster IP is given once",
    "Service",
    service({ clusterIP: "10.96.0.1" }),
    'spec.clusterIPs: Invalid value: ["10.96.0.1"]: failed to allocate IP 10.96.0.1: provided IP is already allocated',
  ],
  [
    "a cluster IP is an address",
    "Service",
    service({ clusterIP: "ten" }),
    'spec.clusterIPs[0]: Invalid value: "ten": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
  ],
  [
    "a NodePort Service is not headless",
    "Service",
    service({ type: "NodePort", clusterIP: "None" }),
    "spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services",
  ],
  [
    "affinity is ClientIP or None",
    "Service",
    service({ sessionAffinity: "Cookie" }),
    'spec.sessionAffinity: Unsupported value: "Cookie": supported values: "ClientIP", "None"',
  ],
  [
    "an affinity lasts at most a day",
    "Service",
    service({ sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds: 90000 } } }),
    "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 90000: must be greater than 0 and less than 86400",
  ],

  [
    "a Deployment's selector selects its pods",
    "Deployment",
    deployment({ selector: { matchLabels: { app: "y" } } }),
    'spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`',
  ],
  [
    "a Deployment needs a selector",
    "Deployment",
    deployment({ selector: undefined }),
    '[spec.selector: Required value, spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`]',
  ],
  [
    "a Deployment's selector selects something",
    "Deployment",
    deployment({ selector: {} }),
    "spec.selector: Invalid value: {}: empty selector is invalid for deployment",
  ],
  [
    "a Deployment's pods restart",
    "Deployment",
    deployment({
      template: {
        metadata: { labels: { app: "x" } },
        spec: { restartPolicy: "Never", containers: [container] },
      },
    }),
    'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
  ],
  [
    "replicas are not negative",
    "Deployment",
    deployment({ replicas: -1 }),
    "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
  ],
  [
    "a rollout makes progress",
    "Deployment",
    deployment({ strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } }),
    "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0",
  ],
  [
    "Recreate has no rolling update",
    "Deployment",
    deployment({ strategy: { type: "Recreate", rollingUpdate: { maxSurge: 1 } } }),
    "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
  ],
  [
    "a percentage ends with its sign",
    "Deployment",
    deployment({ strategy: { rollingUpdate: { maxSurge: "many" } } }),
    "spec.strategy.rollingUpdate.maxSurge: Invalid value: \"many\": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
  ],
  [
    "a deadline leaves time to be ready",
    "Deployment",
    deployment({ minReadySeconds: 10, progressDeadlineSeconds: 10 }),
    "spec.progressDeadlineSeconds: Invalid value: 10: must be greater than minReadySeconds",
  ],
  [
    "a ReplicaSet's selector selects its pods",
    "ReplicaSet",
    deployment({ selector: { matchExpressions: [{ key: "app", operator: "NotIn", values: ["x"] }] } }),
    'spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`',
  ],

  [
    "a ConfigMap's key is a file name",
    "ConfigMap",
    { metadata: { name: "x" }, data: { "a b": "" } } as Case[2],
    "data[a b]: Invalid value: \"a b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
  ],
  [
    "a ConfigMap holds a mebibyte",
    "ConfigMap",
    { metadata: { name: "x" }, data: { a: "x".repeat(1048577) } } as Case[2],
    ": Too long: may not be more than 1048576 bytes",
  ],
  [
    "a TLS Secret has key and certificate",
    "Secret",
    { metadata: { name: "x" }, type: "kubernetes.io/tls", data: { "tls.crt": "YQ==" } } as Case[2],
    "data[tls.key]: Required value",
  ],
  [
    "a Namespace's name is a label",
    "Namespace",
    { metadata: { name: "a.b" } },
    'metadata.name: Invalid value: "a.b": must not contain dots',
  ],
  [
    "taints are unique by key and effect",
    "Node",
    {
      metadata: { name: "x" },
      spec: {
        taints: [
          { key: "a", effect: "NoSchedule" },
          { key: "a", value: "b", effect: "NoSchedule" },
        ],
      },
    } as Case[2],
    'metadata.taints[1]: Duplicate value: {"Key":"a","Value":"b","Effect":"NoSchedule","TimeAdded":null}: taints must be unique by key and effect pair',
  ],
  [
    "endpoints are not loopback addresses",
    "Endpoints",
    { metadata: { name: "x" }, subsets: [{ addresses: [{ ip: "127.0.0.1" }] }] } as Case[2],
    'subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
  ],
  [
    "an EndpointSlice holds one address type",
    "EndpointSlice",
    slice({ endpoints: [{ addresses: ["::2"] }] }),
    'endpoints[0].addresses[0]: Invalid value: "::2": must be an IPv4 address',
  ],
  [
    "an EndpointSlice needs its type",
    "EndpointSlice",
    slice({ addressType: "IPX" }),
    'addressType: Unsupported value: "IPX": supported values: "FQDN", "IPv4", "IPv6"',
  ],
  [
    "a Lease lasts a while",
    "Lease",
    { metadata: { name: "x" }, spec: { leaseDurationSeconds: 0 } } as Case[2],
    "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
  ],
  [
    "an Event lies beside its object",
    "Event",
    { metadata: { name: "x" }, involvedObject: { kind: "Pod", namespace: "other", name: "p" } } as Case[2],
    'involvedObject.namespace: Invalid value: "other": does not match event.namespace',
  ],
];

test.each(CASES)("%s", async (_title, kind, object, problem) => {
  const reply = await api.post(PATHS[kind] ?? "", object);
  const group = {
    Deployment: ".apps",
    ReplicaSet: ".apps",
    EndpointSlice: ".discovery.k8s.io",
    Lease: ".coordination.k8s.io",
  }[kind];
  expect(reply.body.message).toBe(`${kind}${group ?? ""} "${object.metadata.name}" is invalid: ${problem}`);
  expect(reply.status).toBe(422);
});
