import { beforeEach, expect, test } from "@jest/globals";
import { gunzipSync, gzipSync } from "node:zlib";
import { admissionPlugins } from "../apiserver/admission/plugins.js";
import type { ProxyDialer } from "../apiserver/registry/proxy.js";
import { allResources } from "../apiserver/registry/resources.js";
import { type HttpRequest, readBody, TransportError } from "../machinery/api/http.js";
import { directTransport } from "../machinery/client/direct-transport.js";
import { ApiClient } from "./conformance/api-client.js";
import { inProcessApi } from "./testkit/in-process-api.js";

const NAMESPACE = "/api/v1/namespaces/default";

/** Every address answers with what it was asked. */
const dialled: string[] = [];
const received: HttpRequest["headers"][] = [];
let answered: { headers: Record<string, string>; body?: Uint8Array } = { headers: {} };
const echo: ProxyDialer = (to, { tls }) => ({
  async request(request: HttpRequest) {
    if (to.port === 81) throw new TransportError(`dial tcp ${to.ip}:81: connect: connection refused`);
    dialled.push(`${tls ? "https" : "http"} ${to.ip}:${to.port} ${request.method} ${request.path}`);
    received.push(request.headers);
    const body = Buffer.from(await readBody(request.body)).toString();
    return {
      status: 200,
      headers: { "content-type": "text/plain", connection: "close", ...answered.headers },
      body: answered.body ?? Buffer.from(`${request.headers["authorization"] ?? "nobody"} ${body}`),
    };
  },
  upgrade: () => Promise.reject(new TransportError("no")),
});

let api: ApiClient;
beforeEach(async () => {
  dialled.length = 0;
  received.length = 0;
  answered = { headers: {} };
  const server = await inProcessApi(allResources({ dial: echo }), {
    admission: admissionPlugins,
    kubelets: { to: () => echo({ ip: "kubelet", port: 10250 }, { tls: true }) },
  });
  api = new ApiClient(directTransport(server));
  await api.post(`${NAMESPACE}/serviceaccounts`, { metadata: { name: "default" } });
  await api.post("/api/v1/nodes", {
    metadata: { name: "node-1" },
    status: { addresses: [{ type: "InternalIP", address: "172.18.0.3" }] },
  });
  const pod = await api.post(`${NAMESPACE}/pods`, {
    metadata: { name: "web" },
    spec: { containers: [{ name: "a", image: "nginx", ports: [{ name: "http", containerPort: 8080 }] }] },
  });
  await api.put(`${NAMESPACE}/pods/web/status`, {
    ...pod.body,
    status: { phase: "Running", podIP: "10.244.0.5" },
  });
  await api.post(`${NAMESPACE}/services`, {
    metadata: { name: "web" },
    spec: {
      ports: [
        { name: "http", port: 80 },
        { name: "admin", port: 81 },
      ],
    },
  });
  await api.post("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", {
    metadata: { name: "web-1", labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    endpoints: [
      { addresses: ["10.244.0.5"], conditions: { ready: true } },
      { addresses: ["10.244.0.6"], conditions: { ready: false } },
    ],
    ports: [
      { name: "http", port: 8080 },
      { name: "admin", port: 81 },
    ],
  });
});

test.each([
  ["a Pod's first port", `${NAMESPACE}/pods/web/proxy/a/b?c=d`, "http 10.244.0.5:8080 GET /a/b?c=d"],
  ["a Pod's port by number", `${NAMESPACE}/pods/web:9090/proxy/`, "http 10.244.0.5:9090 GET /"],
  [
    "a Pod's port by name over TLS",
    `${NAMESPACE}/pods/https:web:http/proxy/x/`,
    "https 10.244.0.5:8080 GET /x/",
  ],
  ["a Service's port by number", `${NAMESPACE}/services/web:80/proxy/x`, "http 10.244.0.5:8080 GET /x"],
  ["a Service's port by name", `${NAMESPACE}/services/web:http/proxy/`, "http 10.244.0.5:8080 GET /"],
  ["a node's kubelet", "/api/v1/nodes/node-1/proxy/healthz", "https kubelet:10250 GET /healthz"],
  ["another port of a node", "/api/v1/nodes/node-1:9100/proxy/metrics", "http 172.18.0.3:9100 GET /metrics"],
])("%s is reached through the API server", async (_what, path, asked) => {
  const reply = await api.get(path, { authorization: "Bearer secret" });
  expect([reply.status, reply.text]).toEqual([200, "nobody "]);
  expect(dialled).toEqual([asked]);
});

test("a name that begins like the subresource is a name", async () => {
  const pod = await api.post(`${NAMESPACE}/pods`, {
    metadata: { name: "proxy-1" },
    spec: { containers: [{ name: "a", image: "nginx" }] },
  });
  const status = { phase: "Running", podIP: "10.244.0.7" };
  await api.put(`${NAMESPACE}/pods/proxy-1/status`, { ...pod.body, status });
  await api.get(`${NAMESPACE}/pods/proxy-1:80/proxy/a/proxy/b?c`);
  expect(dialled).toEqual(["http 10.244.0.7:80 GET /a/proxy/b?c"]);
  const bare = await api.get(`${NAMESPACE}/pods/proxy-1/proxy`);
  expect(bare.headers["location"]).toBe(`${NAMESPACE}/pods/proxy-1/proxy/`);
});

test("whom a client acts as is not told to the backend", async () => {
  await api.get(`${NAMESPACE}/pods/web/proxy/`, {
    "impersonate-user": "jane",
    "impersonate-group": "dev\u0000ops",
    "impersonate-extra-scopes": "view",
    accept: "text/plain",
  });
  expect(received).toEqual([expect.objectContaining({ accept: "text/plain" })]);
  expect(Object.keys(received[0] ?? {}).filter((name) => name.startsWith("impersonate"))).toEqual([]);
});

test("bodies go through, and redirects stay below the proxy", async () => {
  answered = { headers: { location: "/login" } };
  const reply = await api.post(`${NAMESPACE}/services/web:http/proxy/form`, "a=b", {
    "content-type": "text/plain",
  });
  expect(reply.text).toBe("nobody a=b");
  expect(reply.headers).toEqual({
    "content-type": "text/plain",
    location: `${NAMESPACE}/services/web:http/proxy/login`,
  });
  const bare = await api.get(`${NAMESPACE}/pods/web/proxy?a=b`);
  expect([bare.status, bare.headers["location"]]).toEqual([301, `${NAMESPACE}/pods/web/proxy/?a=b`]);
});

test("a page's links and a redirect to the backend itself lead back through the API server", async () => {
  const page = '<a href="/next?a=1">x</a> <img src=pic.png> <a href="https://kubernetes.io/">y</a>';
  const root = `${NAMESPACE}/pods/web/proxy`;
  const rewritten = page.replace('"/next', `"${root}/next`);

  answered = { headers: { "content-type": "text/html; charset=utf-8" }, body: Buffer.from(page) };
  const plain = await api.get(`${root}/`);
  answered.headers["content-encoding"] = "gzip";
  answered.body = gzipSync(page);
  const packed = await api.transport.request({ method: "GET", path: `${root}/`, headers: {} });
  answered = { headers: { location: "http://10.244.0.5:8080/a/?b", "access-control-allow-origin": "*" } };
  const redirect = await api.get(`${root}/`);

  expect(plain.text).toBe(rewritten);
  expect(plain.headers["content-length"]).toBe(String(rewritten.length));
  expect(String(gunzipSync(await readBody(packed.body)))).toBe(rewritten);
  expect(redirect.headers).toEqual({ "content-type": "text/plain", location: `${root}/a/?b` });
});

test("the backend is told where it is seen and who asks", async () => {
  await api.get(`${NAMESPACE}/pods/web/proxy/a/?b`, { "x-forwarded-for": "192.0.2.1" });
  expect(received).toEqual([
    { "x-forwarded-for": "192.0.2.1, 127.0.0.1", "x-forwarded-uri": `${NAMESPACE}/pods/web/proxy/a/` },
  ]);
});

test.each([
  [`${NAMESPACE}/services/web/proxy/`, 503, 'no endpoints available for service "web"'],
  [`${NAMESPACE}/services/web:82/proxy/`, 503, 'no service port 82 found for service "web"'],
  [`${NAMESPACE}/services/ftp:web:80/proxy/`, 400, 'invalid service request "ftp:web:80"'],
  [`${NAMESPACE}/services/nope:80/proxy/`, 404, 'services "nope" not found'],
  [
    `${NAMESPACE}/services/web:admin/proxy/`,
    503,
    "error trying to reach service: dial tcp 10.244.0.5:81: connect: connection refused",
  ],
])("%s is answered with a Status", async (path, code, message) => {
  const reply = await api.get(path);
  expect([reply.status, reply.body.message]).toEqual([code, message]);
});
