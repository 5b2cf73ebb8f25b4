import type { Backend, ServicePortRoute } from "./table.js";

/** A ready endpoint; say only what matters to the test. */
export const aBackend = (ip: string, changes: Partial<Backend> = {}): Backend => ({
  ip,
  port: 8080,
  ready: true,
  serving: true,
  terminating: false,
  weight: 1,
  slice: "default/web-abcde",
  sliceResourceVersion: "1",
  ...changes,
});

/** A ClusterIP Service at 10.96.0.10:80. */
export const aRoute = (servicePort: string, changes: Partial<ServicePortRoute> = {}): ServicePortRoute => ({
  servicePort,
  serviceResourceVersion: "1",
  protocol: "TCP",
  clusterIPs: ["10.96.0.10"],
  port: 80,
  externalIPs: [],
  loadBalancerIPs: [],
  internalTrafficPolicy: "Cluster",
  externalTrafficPolicy: "Cluster",
  backends: [],
  ...changes,
});
