import { expect, test } from "@jest/globals";
import type { Deployment, ReplicaSet } from "../../machinery/api/apps-v1.js";
import type { IntOrString } from "../../machinery/api/meta-v1.js";
import { sizeAnnotations } from "./annotations.js";
import { newReplicaSetSize, planNew, planOld, planScaling, resolveFenceposts } from "./plan.js";
import { sameTemplate, templateHash } from "./template.js";

const template = {
  metadata: { labels: { app: "web" } },
  spec: { containers: [], restartPolicy: "Always" as const },
};
const aDeployment = (
  replicas: number,
  maxSurge: IntOrString = "25%",
  maxUnavailable: IntOrString = "25%",
): Deployment => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: {
    name: "web",
    namespace: "default",
    uid: "d",
    resourceVersion: "1",
    creationTimestamp: "2026-03-01T00:00:00Z",
  },
  spec: {
    replicas,
    selector: { matchLabels: { app: "web" } },
    template,
    strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge, maxUnavailable } },
  },
  status: {},
});
let made = 0;
const aReplicaSet = (
  name: string,
  replicas: number,
  available = replicas,
  whole?: [number, number],
): ReplicaSet => ({
  apiVersion: "apps/v1",
  kind: "ReplicaSet",
  metadata: {
    name,
    namespace: "default",
    uid: name,
    resourceVersion: "1",
    creationTimestamp: new Date(Date.UTC(2026, 2, 1, 0, 0, made++)).toISOString(),
    ...(whole ? { annotations: sizeAnnotations(...whole) } : {}),
  },
  spec: { replicas, selector: {}, template },
  status: { replicas, availableReplicas: available },
});
const sizes = (plan: readonly { replicaSet: { metadata: { name: string } }; replicas: number }[]) =>
  Object.fromEntries(plan.map(({ replicaSet, replicas }) => [replicaSet.metadata.name, replicas]));

test.each<[IntOrString, IntOrString, number, number, number]>([
  ["25%", "25%", 3, 1, 0],
  ["25%", "25%", 10, 3, 2],
  ["25%", "25%", 4, 1, 1],
  [0, 0, 5, 0, 1],
  ["0%", "0%", 5, 0, 1],
  [2, 1, 5, 2, 1],
  ["100%", "0%", 3, 3, 0],
])("maxSurge %s and maxUnavailable %s of %i replicas are %i and %i", (surge, unavailable, of, up, down) => {
  expect(resolveFenceposts(surge, unavailable, of)).toEqual({ surge: up, unavailable: down });
});

test("a new ReplicaSet starts as large as the surge allows", () => {
  const deployment = aDeployment(10);
  expect(newReplicaSetSize(deployment, [aReplicaSet("old", 10)], 0)).toBe(3);
  expect(newReplicaSetSize(deployment, [], 0)).toBe(10);
  expect(newReplicaSetSize(deployment, [aReplicaSet("old", 13)], 0)).toBe(0);
});

test("old ReplicaSets shrink only as far as enough pods stay available", () => {
  const deployment = aDeployment(10);
  // Ten old ones available, three new ones not yet: eight must stay.
  expect(sizes(planOld(deployment, [aReplicaSet("old", 10)], aReplicaSet("new", 3, 0)))).toEqual({ old: 8 });
  // Two of the three became available.
  expect(sizes(planOld(deployment, [aReplicaSet("old", 8)], aReplicaSet("new", 5, 2)))).toEqual({ old: 6 });
  // Nothing new is available and nothing may go.
  expect(planOld(deployment, [aReplicaSet("old", 8)], aReplicaSet("new", 5, 0))).toEqual([]);
});

test("pods that are not healthy go first, from whatever ReplicaSet they are", () => {
  const old = [aReplicaSet("oldest", 5, 5), aReplicaSet("broken", 5, 0)];
  const plan = planOld(aDeployment(5, 5, 0), old, aReplicaSet("new", 0, 0));
  expect(sizes(plan)).toEqual({ broken: 0 });
});

test("the new ReplicaSet shrinks at once when the Deployment did", () => {
  const newOne = aReplicaSet("new", 8);
  expect(planNew(aDeployment(3), [newOne], newOne)?.replicas).toBe(3);
  const full = aReplicaSet("full", 3);
  expect(planNew(aDeployment(3), [full], full)).toBeUndefined();
});

test("scaling in the middle of a rollout is shared in proportion, and what is left over goes to the largest", () => {
  const deployment = aDeployment(20, 3, 2);
  const old = aReplicaSet("old", 8, 8, [10, 13]);
  const newOne = aReplicaSet("new", 5, 5, [10, 13]);
  // 13 pods become 23: ten more, 8/13 of 23 is 14, 5/13 of 23 is 9.
  expect(sizes(planScaling(deployment, newOne, [old]))).toEqual({ old: 14, new: 9 });
});

test("a paused Deployment with one active ReplicaSet scales that one", () => {
  const only = aReplicaSet("only", 3);
  expect(sizes(planScaling(aDeployment(7), undefined, [only]))).toEqual({ only: 7 });
  expect(planScaling(aDeployment(3), undefined, [only])).toEqual([]);
});

test("a template's hash does not depend on the order of its keys, but on the collision count", () => {
  const reordered = {
    spec: { restartPolicy: "Always" as const, containers: [] },
    metadata: { labels: { app: "web" } },
  };
  expect(templateHash(template, undefined)).toBe(templateHash(reordered, undefined));
  expect(templateHash(template, undefined)).not.toBe(templateHash(template, 1));
  expect(templateHash(template, undefined)).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{1,10}$/);
  const hashed = { ...template, metadata: { labels: { app: "web", "pod-template-hash": "x" } } };
  expect(sameTemplate(template, hashed)).toBe(true);
});
