import { expect, test } from "@jest/globals";
import type { Container, Pod, Service } from "../../machinery/api/core-v1.js";
import { type ConfigSource, containerEnv } from "./env.js";
import { expand } from "./expansion.js";
import type { DownwardContext } from "./field-ref.js";
import { podDns, resolvConf } from "./resolv-conf.js";
import { serviceEnv } from "./service-env.js";

const meta = (name: string, namespace = "default") => ({
  name,
  namespace,
  uid: `uid-${name}`,
  resourceVersion: "1",
  creationTimestamp: "",
});

const service = (name: string, clusterIP: string, ports: { name?: string; port: number }[]): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: meta(name),
  spec: {
    type: "ClusterIP",
    clusterIP,
    sessionAffinity: "None",
    ports: ports.map((port) => ({ ...port, protocol: "TCP", targetPort: port.port })),
  },
  status: { loadBalancer: {} },
});

const pod: Pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { ...meta("web-1"), labels: { app: "web" } },
  spec: { restartPolicy: "Always", containers: [], serviceAccountName: "default" },
  status: { phase: "Pending" },
};
const context: DownwardContext = {
  pod,
  nodeName: "node-1",
  hostIPs: ["172.18.0.3", "fd00:172:18::3"],
  podIPs: ["10.244.0.2", "fd00:10:244::5"],
  allocatable: { cpu: "4", memory: "8Gi" },
};
const source: ConfigSource = {
  configMap: (_, name) =>
    Promise.resolve(
      name === "app"
        ? { apiVersion: "v1", kind: "ConfigMap", metadata: meta("app"), data: { COLOUR: "blue", "x y": "1" } }
        : undefined,
    ),
  secret: () => Promise.resolve(undefined),
  services: () => [service("my-db", "10.96.0.7", [{ name: "sql", port: 5432 }])],
  kubernetesService: () => service("kubernetes", "10.96.0.1", [{ name: "https", port: 443 }]),
};
const container = (extra: Partial<Container>): Container => ({ name: "c", image: "busybox", ...extra });

test("a Service gives the variables that Docker links had", () => {
  expect(Object.fromEntries(serviceEnv(source.services("default")))).toEqual({
    MY_DB_SERVICE_HOST: "10.96.0.7",
    MY_DB_SERVICE_PORT: "5432",
    MY_DB_SERVICE_PORT_SQL: "5432",
    MY_DB_PORT: "tcp://10.96.0.7:5432",
    MY_DB_PORT_5432_TCP: "tcp://10.96.0.7:5432",
    MY_DB_PORT_5432_TCP_PROTO: "tcp",
    MY_DB_PORT_5432_TCP_PORT: "5432",
    MY_DB_PORT_5432_TCP_ADDR: "10.96.0.7",
  });
});

test("a headless Service gives no variables", () => {
  expect(serviceEnv([service("db", "None", [{ port: 1 }])]).size).toBe(0);
});

test("env overrides envFrom, sees earlier variables and the downward API", async () => {
  const env = await containerEnv(
    container({
      envFrom: [{ prefix: "APP_", configMapRef: { name: "app" } }],
      env: [
        { name: "POD", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
        { name: "LABEL", valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
        { name: "URL", value: "http://$(MY_DB_SERVICE_HOST):$(MY_DB_SERVICE_PORT)/$(POD)/$(NOPE)/$$(POD)" },
        { name: "CPUS", valueFrom: { resourceFieldRef: { resource: "limits.cpu" } } },
      ],
    }),
    context,
    { ...source, services: () => source.services("default") },
  );

  expect(env.get("APP_COLOUR")).toBe("blue");
  expect(env.has("APP_x y")).toBe(false);
  expect(env.get("URL")).toBe("http://10.96.0.7:5432/web-1/$(NOPE)/$(POD)");
  expect(env.get("LABEL")).toBe("web");
  expect(env.get("CPUS")).toBe("4");
});

test("a pod of another namespace sees its own Services and default/kubernetes; without links only the latter", async () => {
  const elsewhere = { ...context, pod: { ...pod, metadata: meta("p", "team") } };
  const linked = await containerEnv(container({}), elsewhere, source);
  expect([linked.has("MY_DB_SERVICE_HOST"), linked.get("KUBERNETES_SERVICE_HOST")]).toEqual([
    true,
    "10.96.0.1",
  ]);

  const unlinkedPod = { ...elsewhere.pod, spec: { ...pod.spec, enableServiceLinks: false } };
  const unlinked = await containerEnv(container({}), { ...elsewhere, pod: unlinkedPod }, source);
  expect([unlinked.has("MY_DB_SERVICE_HOST"), unlinked.has("KUBERNETES_SERVICE_HOST")]).toEqual([
    false,
    true,
  ]);
});

test("a missing ConfigMap, Secret or key is named in Kubernetes' words unless it is optional", async () => {
  const fails = (valueFrom: NonNullable<NonNullable<Container["env"]>[number]["valueFrom"]>) =>
    containerEnv(container({ env: [{ name: "X", valueFrom }] }), context, source).then(
      () => "fine",
      (err: Error) => err.message,
    );
  expect(await fails({ configMapKeyRef: { name: "nope", key: "k" } })).toBe('configmap "nope" not found');
  expect(await fails({ secretKeyRef: { name: "nope", key: "k" } })).toBe('secret "nope" not found');
  expect(await fails({ configMapKeyRef: { name: "app", key: "k" } })).toBe(
    "couldn't find key k in ConfigMap default/app",
  );
  expect(await fails({ configMapKeyRef: { name: "app", key: "k", optional: true } })).toBe("fine");
});

test("an unfinished reference stays as it was written", () => {
  const known = new Map([["A", "1"]]);
  expect([expand("$(A) $A $$ $(A $", known), expand("$$(A)", known)]).toEqual(["1 $A $ $(A $", "$(A)"]);
});

test("resolv.conf follows dnsPolicy and dnsConfig", () => {
  const settings = {
    clusterDns: "10.96.0.10",
    clusterDomain: "cluster.local",
    nodeNameservers: ["192.0.2.1"],
  };
  expect(resolvConf(pod, settings)).toBe(
    "search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n",
  );
  expect(resolvConf({ ...pod, spec: { ...pod.spec, dnsPolicy: "Default" } }, settings)).toBe(
    "nameserver 192.0.2.1\n",
  );
  const dnsConfig = {
    nameservers: ["1.1.1.1"],
    searches: ["example.com"],
    options: [{ name: "ndots", value: "2" }],
  };
  expect(resolvConf({ ...pod, spec: { ...pod.spec, dnsPolicy: "None", dnsConfig } }, settings)).toBe(
    "search example.com\nnameserver 1.1.1.1\noptions ndots:2\n",
  );
});

test("resolv.conf has at most three name servers and 32 search domains; a Warning tells what was left out", () => {
  const settings = {
    clusterDns: "10.96.0.10",
    clusterDomain: "cluster.local",
    nodeNameservers: ["192.0.2.1"],
  };
  const withDns = (spec: object) => podDns({ ...pod, spec: { ...pod.spec, ...spec } }, settings);
  const servers = withDns({ dnsConfig: { nameservers: ["1.1.1.1", "1.1.1.2", "1.1.1.3"] } });
  expect(servers.text).toContain("nameserver 10.96.0.10\nnameserver 1.1.1.1\nnameserver 1.1.1.2\noptions");
  expect(servers.warnings).toEqual([
    "Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: 10.96.0.10 1.1.1.1 1.1.1.2",
  ]);
  const searches = Array.from({ length: 40 }, (_, i) => `d${i}.example`);
  const long = withDns({ dnsConfig: { searches } });
  expect(long.text.split("\n")[0]?.split(" ")).toHaveLength(33);
  expect(long.warnings).toHaveLength(1);
  expect(withDns({ hostNetwork: true }).text).toBe("nameserver 192.0.2.1\n");
  expect(withDns({ hostNetwork: true, dnsPolicy: "ClusterFirstWithHostNet" }).text).toContain(
    "nameserver 10.96.0.10",
  );
});
