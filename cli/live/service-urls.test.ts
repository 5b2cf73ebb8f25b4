import { expect, test } from "@jest/globals";
import type { Service } from "../../machinery/api/core-v1.js";
import { serviceUrls } from "./service-urls.js";

const nodePortService = (ports: Service["spec"]["ports"]): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web", namespace: "default" } as Service["metadata"],
  spec: { type: "NodePort", sessionAffinity: "None", ...(ports ? { ports } : {}) },
  status: { loadBalancer: {} },
});

const listening = (servicePort: string, wanted: string, actual: string) => ({
  servicePort,
  node: "node-1",
  wanted,
  actual,
});

test("a node port that somebody serves has a URL on this machine", () => {
  const service = nodePortService([{ port: 80, protocol: "TCP", targetPort: 80, nodePort: 30080 }]);

  const urls = serviceUrls(service, [listening("default/web", "127.0.0.1:30080", "127.0.0.1:30080")]);

  expect(urls).toEqual([{ targetPort: "80", nodePort: 30080, url: "http://127.0.0.1:30080" }]);
});

test("a node port that was taken on this machine has the URL of the free port used instead", () => {
  const service = nodePortService([{ port: 80, protocol: "TCP", targetPort: 80, nodePort: 30080 }]);

  const urls = serviceUrls(service, [listening("default/web", "127.0.0.1:30080", "127.0.0.1:41234")]);

  expect(urls[0]?.url).toBe("http://127.0.0.1:41234");
});

test("each port of a Service has its own URL, https for the port of that name", () => {
  const service = nodePortService([
    { name: "http", port: 80, protocol: "TCP", targetPort: 80, nodePort: 30080 },
    { name: "https", port: 443, protocol: "TCP", targetPort: 443, nodePort: 30443 },
  ]);

  const urls = serviceUrls(service, [
    listening("default/web:http", "127.0.0.1:30080", "127.0.0.1:30080"),
    listening("default/web:https", "127.0.0.1:30443", "127.0.0.1:30443"),
  ]);

  expect(urls.map(({ url }) => url)).toEqual(["http://127.0.0.1:30080", "https://127.0.0.1:30443"]);
});

test("a ClusterIP Service, or one without endpoints, has no URL", () => {
  const clusterIp = nodePortService([{ port: 80, protocol: "TCP", targetPort: 80 }]);
  const unserved = nodePortService([{ port: 80, protocol: "TCP", targetPort: 80, nodePort: 30080 }]);

  expect(serviceUrls(clusterIp, [])).toEqual([{ targetPort: "80" }]);
  expect(serviceUrls(unserved, [])).toEqual([{ targetPort: "80", nodePort: 30080 }]);
});
