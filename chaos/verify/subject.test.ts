import { expect, test } from "@jest/globals";
import { findSubjects, type Given } from "./subject.js";
import { verifyDocument } from "./scenario.js";
import { type Upheaval, upheavals } from "./upheavals.js";

const deployment = (name: string, labels: Record<string, string>, spec: object = {}): Given =>
  ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: "web", image: "nginx" }] } },
      ...spec,
    },
  }) as unknown as Given;

const service = (name: string, selector: Record<string, string>, spec: object = {}): Given =>
  ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: { selector, ports: [{ port: 80, targetPort: 8080 }], ...spec },
  }) as unknown as Given;

const [rolling] = upheavals as readonly [Upheaval];
const trafficOf = (objects: Given[]): Record<string, unknown>[] => {
  const [subject] = findSubjects(objects);
  if (!subject) throw new Error("no subject");
  const { spec } = verifyDocument({ subject, upheaval: rolling, seed: "1" }) as {
    spec: { traffic: Record<string, unknown>[] };
  };
  return spec.traffic;
};

test("a Deployment is verified with every Service that selects its pods, and with no other", () => {
  const subjects = findSubjects([
    deployment("web", { app: "web", tier: "front" }),
    deployment("job", { app: "job" }),
    service("web", { app: "web" }),
    service("front", { tier: "front" }),
    service("db", { app: "db" }),
  ]);

  expect(subjects.map(({ name }) => name)).toEqual(["web"]);
  expect(subjects[0]?.services.map(({ metadata }) => metadata.name)).toEqual(["web", "front"]);
});

test("--service narrows to one Service", () => {
  const objects = [
    deployment("web", { app: "web" }),
    service("a", { app: "web" }),
    service("b", { app: "web" }),
  ];

  expect(findSubjects(objects, "b")[0]?.services.map(({ metadata }) => metadata.name)).toEqual(["b"]);
  expect(() => findSubjects(objects, "c")).toThrow('there is no Service "c"; there are a, b');
});

test("what cannot be verified is said with its reason", () => {
  expect(() => findSubjects([service("web", { app: "web" })])).toThrow("there is no Deployment (apps/v1)");
  expect(() => findSubjects([deployment("web", { app: "web" })])).toThrow(
    "there is no Service in what was given",
  );
  expect(() => findSubjects([deployment("web", { app: "web" }), service("web", { app: "wbe" })])).toThrow(
    'no Service selects the pods of Deployment "web" (labels app=web): web selects app=wbe',
  );
  expect(() =>
    findSubjects([deployment("web", { app: "web" }, { replicas: 0 }), service("web", { app: "web" })]),
  ).toThrow("has 0 replicas");
});

test("clients call the ClusterIP from several nodes, on kept connections, and the node port when there is one", () => {
  const names = trafficOf([
    deployment("web", { app: "web" }),
    service("web", { app: "web" }, { type: "NodePort" }),
  ]).map(({ name }) => name);

  expect(names).toEqual(["web-node-1", "web-node-2", "web-node-3", "web-kept", "web-outside"]);
});

test("clients of a headless Service ask DNS and connect to the pods' own port", () => {
  const [client] = trafficOf([
    deployment("web", { app: "web" }),
    service("web", { app: "web" }, { clusterIP: "None" }),
  ]);

  expect(client?.["url"]).toBe("http://web.default.svc.cluster.local:8080/");
});

test("two seeds are two clusters with latencies of their own, one seed is one", () => {
  const [subject] = findSubjects([deployment("web", { app: "web" }), service("web", { app: "web" })]);
  if (!subject) throw new Error("no subject");
  const text = (seed: string): string => JSON.stringify(verifyDocument({ subject, upheaval: rolling, seed }));

  expect(text("1")).toBe(text("1"));
  expect(text("1").replaceAll('"seed":"1"', "")).not.toBe(text("2").replaceAll('"seed":"2"', ""));
});
