import { expect, test } from "@jest/globals";
import { withFiles } from "../cli/simulate/manifest-files.js";
import { runSeed } from "../simulation/run-seed.js";
import { checkers } from "./checkers.js";
import { faults } from "./faults.js";
import { parseScenario } from "./scenario/parse.js";

const labels = { app: "web" };
const manifests = [
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace: "default" },
    spec: {
      replicas: 3,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          containers: [
            {
              name: "web",
              image: "nginx",
              lifecycle: { preStop: { sleep: { seconds: 3 } } },
              readinessProbe: { httpGet: { path: "/", port: 80 }, periodSeconds: 1 },
            },
          ],
        },
      },
    },
  },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "default" },
    spec: { type: "NodePort", selector: labels, ports: [{ port: 80, nodePort: 30080 }] },
  },
];

const scenario = parseScenario(
  {
    apiVersion: "chaos.kubesim.dev/v1",
    kind: "Scenario",
    metadata: { name: "killer" },
    spec: {
      seed: 3,
      duration: "15s",
      cluster: { nodes: 2 },
      manifests,
      traffic: [
        { name: "inside", url: "http://web", perSecond: 20 },
        { name: "outside", from: "host", service: "web", perSecond: 10, clients: 2, loop: "closed" },
        { name: "names", url: "dns://web.default.svc.cluster.local", perSecond: 2 },
      ],
      faults: [
        {
          name: "killer",
          fault: "kill-pod",
          every: "2s-4s",
          until: "10s",
          target: { owner: "deployment/web" },
        },
        {
          fault: "kill-pod",
          when: "deployment/web available == 2",
          timeout: "8s",
          target: { name: "nobody-*", optional: true },
        },
      ],
      probes: [
        { name: "front", http: { service: "web", body: { comparator: "contains", value: "nginx" } } },
        {
          name: "shell",
          mode: "edge",
          command: { selector: "app=web", command: ["echo", "hello"], output: { value: "hello" } },
        },
      ],
      invariants: ["request-budget", "only-selected-pods", "cluster-ip-stable"],
    },
  },
  { faults, checkers },
);

test("a scenario runs on a simulated cluster, and everything that checkers need is in its history", async () => {
  expect(scenario.errors).toEqual([]);
  const { report, error } = await runSeed(withFiles(scenario.scenario));

  expect(error).toBeUndefined();
  expect(report?.verdicts.filter(({ verdict }) => !verdict.held)).toEqual([]);
  const history = report?.history;
  expect(history?.operations.length).toBeGreaterThan(300);
  expect(history?.operations.find(({ client }) => client === "names")?.answer).toHaveLength(1);
  expect(history?.faults.filter(({ outcome }) => outcome === "injected").length).toBeGreaterThanOrEqual(2);
  expect(history?.recovery).toMatchObject({ deploymentsAvailable: true, tablesAgree: true, heldFaults: [] });
  expect(history?.timeline.length).toBeGreaterThan(3);
  expect(history?.tables).toHaveLength(2);
  expect(history?.endpointSlices.some(({ service }) => service === "default/web")).toBe(true);
});
