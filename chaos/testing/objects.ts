import type { Deployment } from "../../machinery/api/apps-v1.js";
import type { Node, Pod, Service } from "../../machinery/api/core-v1.js";
import { ZONE_LABEL } from "../targets.js";

const CREATED = "2026-03-01T00:00:00Z";

/** A running, ready Pod `default/<name>`. */
export const aPod = (
  name: string,
  given: {
    namespace?: string;
    labels?: Record<string, string>;
    node?: string;
    ip?: string;
    ready?: boolean;
  } = {},
): Pod =>
  ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: given.namespace ?? "default",
      uid: `uid-${name}`,
      creationTimestamp: CREATED,
      labels: given.labels ?? { app: "web" },
      resourceVersion: "1",
    },
    spec: { nodeName: given.node ?? "node-1", containers: [{ name: "main", image: "nginx" }] },
    status: {
      phase: "Running",
      podIP: given.ip ?? "10.244.0.2",
      conditions: [{ type: "Ready", status: given.ready === false ? "False" : "True" }],
    },
  }) as unknown as Pod;

/** A ready Node. */
export const aNode = (name: string, given: { zone?: string; ip?: string; ready?: boolean } = {}): Node =>
  ({
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      uid: `uid-${name}`,
      creationTimestamp: CREATED,
      labels: given.zone === undefined ? {} : { [ZONE_LABEL]: given.zone },
      resourceVersion: "1",
    },
    spec: { podCIDR: "10.244.0.0/24" },
    status: {
      addresses: [{ type: "InternalIP", address: given.ip ?? "172.18.0.3" }],
      conditions: [{ type: "Ready", status: given.ready === false ? "False" : "True" }],
    },
  }) as unknown as Node;

/** A NodePort Service `default/<name>`. */
export const aService = (
  name: string,
  given: { nodePort?: number; selector?: Record<string, string> } = {},
): Service =>
  ({
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name,
      namespace: "default",
      uid: `uid-${name}`,
      resourceVersion: "1",
      creationTimestamp: CREATED,
    },
    spec: {
      type: "NodePort",
      clusterIP: "10.96.0.5",
      selector: given.selector ?? { app: "web" },
      ports: [{ name: "http", port: 80, nodePort: given.nodePort ?? 30080 }],
    },
    status: {},
  }) as unknown as Service;

/** A Deployment `default/<name>`, all of it available unless `available` says otherwise. */
export const aDeployment = (
  name: string,
  given: { replicas?: number; available?: number } = {},
): Deployment => {
  const replicas = given.replicas ?? 3;
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: {
      name,
      namespace: "default",
      uid: `uid-${name}`,
      generation: 1,
      labels: { app: name },
      resourceVersion: "1",
      creationTimestamp: CREATED,
    },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } } },
    },
    status: {
      observedGeneration: 1,
      replicas,
      updatedReplicas: replicas,
      readyReplicas: given.available ?? replicas,
      availableReplicas: given.available ?? replicas,
    },
  } as unknown as Deployment;
};
