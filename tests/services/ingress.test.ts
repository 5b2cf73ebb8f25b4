import { beforeEach, describe, expect, test } from "@jest/globals";
import { admissionPlugins } from "../../apiserver/admission/plugins.js";
import { allResources } from "../../apiserver/registry/resources.js";
import { directTransport } from "../../machinery/client/direct-transport.js";
import { ApiClient, type Reply } from "../conformance/api-client.js";
import { inProcessApi } from "../testkit/in-process-api.js";

const INGRESSES = "/apis/networking.k8s.io/v1/namespaces/default/ingresses";
const CLASSES = "/apis/networking.k8s.io/v1/ingressclasses";
const AS_TABLE = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" };

let api: ApiClient;
beforeEach(async () => {
  api = new ApiClient(directTransport(await inProcessApi(allResources(), { admission: admissionPlugins })));
});

const service = (port: object) => ({ service: { name: "web", port } });
const web = service({ number: 80 });
const path = (given: object) => ({ path: "/", pathType: "Prefix", backend: web, ...given });
const rule = (host: string, given: object = {}) => ({ host, http: { paths: [path(given)] } });
const create = (spec: object, metadata: object = {}): Promise<Reply> =>
  api.post(INGRESSES, { metadata: { name: "a", ...metadata }, spec });
const withPath = (given: object) => ({ rules: [{ http: { paths: [path(given)] } }] });
const createClass = (name: string, spec: object, annotations: object = {}): Promise<Reply> =>
  api.post(CLASSES, { metadata: { name, annotations }, spec });

describe("Ingress", () => {
  test.each([
    [{}, "spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"],
    [
      { defaultBackend: {} },
      'spec.defaultBackend: Invalid value: "": resource or service backend is required',
    ],
    [
      { defaultBackend: { ...web, resource: { kind: "Bucket", name: "b" } } },
      'spec.defaultBackend: Invalid value: "": cannot set both resource and service backends',
    ],
    [{ defaultBackend: service({}) }, "spec.defaultBackend: Required value: port name or number is required"],
    [
      { defaultBackend: service({ name: "http", number: 80 }) },
      'spec.defaultBackend: Invalid value: "": cannot set both port name & port number',
    ],
    [
      { defaultBackend: service({ number: 70000 }) },
      "spec.defaultBackend.service.port.number: Invalid value: 70000: must be between 1 and 65535, inclusive",
    ],
    [
      withPath({ pathType: undefined }),
      "spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified",
    ],
    [
      withPath({ pathType: "Regex" }),
      'spec.rules[0].http.paths[0].pathType: Unsupported value: "Regex": supported values: "Exact", "ImplementationSpecific", "Prefix"',
    ],
    [
      withPath({ path: "web" }),
      'spec.rules[0].http.paths[0].path: Invalid value: "web": must be an absolute path',
    ],
    [
      withPath({ path: "/a/../b" }),
      "spec.rules[0].http.paths[0].path: Invalid value: \"/a/../b\": must not contain '/../'",
    ],
    [{ rules: [{ http: { paths: [] } }] }, "spec.rules[0].http.paths: Required value"],
    [
      { rules: [rule("10.0.0.1")] },
      'spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address',
    ],
    [
      { rules: [rule("a.*.com")] },
      "spec.rules[0].host: Invalid value: \"a.*.com\": a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    ],
  ])("what an Ingress may not say is told: %j", async (spec, message) => {
    const { status, body } = await create(spec);
    expect([status, body.reason]).toEqual([422, "Invalid"]);
    expect(body.message).toBe(`Ingress.networking.k8s.io "a" is invalid: ${message}`);
  });

  test("hosts, ports and addresses are shown as kubectl get shows them", async () => {
    const hosts = ["a.example.com", "*.b.example.com", "c.example.com", "d.example.com"];
    await create({
      ingressClassName: "nginx",
      tls: [{ hosts: ["a.example.com"], secretName: "tls" }],
      rules: hosts.map((host) => rule(host)),
    });
    const status = { loadBalancer: { ingress: [{ ip: "192.0.2.7" }, { hostname: "lb.example.com" }] } };
    const patched = await api.patch(`${INGRESSES}/a/status`, "merge", { status });
    expect(patched.status).toBe(200);
    const { body } = await api.get(INGRESSES, AS_TABLE);
    expect(body.columnDefinitions?.map(({ name }) => name)).toEqual([
      "Name",
      "Class",
      "Hosts",
      "Address",
      "Ports",
      "Age",
    ]);
    expect(body.rows?.[0]?.cells.slice(0, 5)).toEqual([
      "a",
      "nginx",
      "a.example.com,*.b.example.com,c.example.com + 1 more...",
      "192.0.2.7,lb.example.com",
      "80, 443",
    ]);
  });

  test("a change of the spec raises the generation and leaves the status alone", async () => {
    await create({ defaultBackend: web });
    const patch = {
      spec: { ingressClassName: "other" },
      status: { loadBalancer: { ingress: [{ ip: "::1" }] } },
    };
    const { body } = await api.patch(`${INGRESSES}/a`, "merge", patch);
    expect(body.metadata.generation).toBe(2);
    expect(body.status).toEqual({ loadBalancer: {} });
  });

  test("the annotation of old is deprecated, and must agree with the field", async () => {
    const annotations = { "kubernetes.io/ingress.class": "old" };
    const { headers } = await create({ defaultBackend: web }, { annotations });
    expect(headers["warning"]).toBe(
      '299 - "annotation \\"kubernetes.io/ingress.class\\" is deprecated, please use \'spec.ingressClassName\' instead"',
    );
    const { body } = await create(
      { defaultBackend: web, ingressClassName: "new" },
      { name: "b", annotations },
    );
    expect(body.message).toBe(
      'Ingress.networking.k8s.io "b" is invalid: annotations.kubernetes.io/ingress.class: Invalid value: "old": must match `ingressClassName` when both are specified',
    );
  });
});

describe("IngressClass", () => {
  test("an Ingress without a class gets the default one", async () => {
    await createClass("plain", { controller: "example.com/plain" });
    await createClass(
      "main",
      { controller: "example.com/main" },
      {
        "ingressclass.kubernetes.io/is-default-class": "true",
      },
    );
    const given = await create({ defaultBackend: web });
    expect(given.body.spec?.["ingressClassName"]).toBe("main");
    const named = await create({ defaultBackend: web, ingressClassName: "plain" }, { name: "b" });
    expect(named.body.spec?.["ingressClassName"]).toBe("plain");
  });

  test.each([
    [{}, "spec.controller: Required value"],
    [
      { controller: "nginx" },
      'spec.controller: Invalid value: "nginx": must be a domain-prefixed path (such as "acme.io/foo")',
    ],
    [
      { controller: "example.com/a", parameters: { kind: "ConfigMap", name: "c", scope: "Namespace" } },
      "spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'",
    ],
  ])("what an IngressClass may not say is told: %j", async (spec, message) => {
    const { body } = await createClass("a", spec);
    expect(body.message).toBe(`IngressClass.networking.k8s.io "a" is invalid: ${message}`);
  });

  test("its controller never changes; its parameters are shown", async () => {
    const parameters = { apiGroup: "example.com", kind: "Config", name: "c" };
    const created = await createClass("a", { controller: "example.com/a", parameters });
    expect(created.body.spec?.["parameters"]).toEqual({ ...parameters, scope: "Cluster" });
    const { body } = await api.patch(`${CLASSES}/a`, "merge", { spec: { controller: "example.com/b" } });
    expect(body.message).toBe(
      'IngressClass.networking.k8s.io "a" is invalid: spec.controller: Invalid value: "example.com/b": field is immutable',
    );
    const table = await api.get(CLASSES, AS_TABLE);
    expect(table.body.rows?.[0]?.cells.slice(0, 3)).toEqual(["a", "example.com/a", "Config.example.com/c"]);
  });
});
