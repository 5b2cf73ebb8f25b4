import { expect, test } from "@jest/globals";
import type { Fault } from "../../chaos/fault.js";
import { faults } from "../../chaos/faults.js";
import { withDefaults } from "../../chaos/parameters.js";
import {
  newFaultSpec,
  newScenario,
  newTarget,
  newTraffic,
  newTrigger,
} from "../../chaos/scenario/defaults.js";
import type { FaultSpec, TargetSpec } from "../../chaos/scenario/types.js";
import { runSeed } from "../../simulation/run-seed.js";

const probe = { httpGet: { path: "/", port: 80 }, periodSeconds: 1 };

const deployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", namespace: "default" },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: {
        terminationGracePeriodSeconds: 2,
        containers: [
          {
            name: "web",
            image: "nginx",
            ports: [{ containerPort: 80 }],
            readinessProbe: probe,
            livenessProbe: probe,
            startupProbe: probe,
          },
        ],
      },
    },
  },
};

const service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web", namespace: "default" },
  spec: { type: "NodePort", selector: { app: "web" }, ports: [{ name: "http", port: 80, targetPort: 80 }] },
};

/** A pod on each node for addresses to be exchanged with. */
const beside = {
  ...deployment,
  metadata: { name: "beside", namespace: "default" },
  spec: {
    ...deployment.spec,
    selector: { matchLabels: { app: "beside" } },
    template: { ...deployment.spec.template, metadata: { labels: { app: "beside" } } },
  },
};
const BESIDE = new Set(["ip-reuse-storm", "duplicate-ip"]);

const spare = { apiVersion: "v1", kind: "Namespace", metadata: { name: "spare" } };
const more = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "more" }, data: { a: "1" } };

/** What each kind of target needs to hit something. */
const TARGETS: Readonly<Record<Fault["targets"], Partial<TargetSpec>>> = {
  pods: { selector: "app=web" },
  nodes: { name: "node-2" },
  services: { name: "web" },
  deployments: { name: "web" },
  component: { component: "controllers" },
  links: { from: { kind: "nodes", namespace: "*", name: "node-1" } },
  none: {},
};

/** Values for parameters that have no default. */
const PARAMETERS: Readonly<Record<string, unknown>> = {
  lag: 500,
  delay: 50,
  share: 30,
  offset: 60_000,
  replicas: 1,
  label: "app",
  selector: { app: "web", more: "none" },
  namespace: "spare",
  bytesPerSecond: 50_000,
  bytes: 5000,
  proxyMode: "ipvs",
  period: 1000,
  objects: [{ ...more, data: { a: "3" } }],
  object: "configmap/more",
  url: "http://web",
  most: 2,
  controllers: ["endpointslice", "replicaset", "scheduler"],
  patch: { data: { a: "2" } },
};

const SKEWED_TARGETS: Readonly<Record<string, Partial<TargetSpec>>> = {
  "zone-outage": { name: "*" },
  "process-kill": { component: "proxy" },
};

function specOf(fault: Fault): FaultSpec {
  const needed = Object.entries(fault.parameters)
    .filter(([, spec]) => spec.default === undefined && !spec.optional)
    .map(([name]) => {
      if (!Object.hasOwn(PARAMETERS, name))
        throw new Error(`no value for parameter ${name} of ${fault.name}`);
      return [name, PARAMETERS[name]] as const;
    });
  return newFaultSpec({
    fault: fault.name,
    trigger: newTrigger({ startMs: { min: 1000, max: 1000 }, untilMs: 8000 }),
    target: newTarget(SKEWED_TARGETS[fault.name] ?? TARGETS[fault.targets]),
    parameters: withDefaults(fault.parameters, Object.fromEntries(needed)),
    ...(fault.momentary ? {} : { durationMs: { min: 3000, max: 3000 } }),
  });
}

test.each(faults.map((fault) => [fault.name, fault] as const))(
  "%s acts, is healed, and the cluster recovers from it",
  async (_name, fault) => {
    const run = await runSeed({
      scenario: newScenario({
        name: fault.name,
        seed: "11",
        durationMs: 8000,
        cluster: { zones: ["a", "b", "c"] },
        manifests: [deployment, service, spare, more, ...(BESIDE.has(fault.name) ? [beside] : [])],
        traffic: [newTraffic({ name: "host", from: "host", service: "web", perSecond: 5 })],
        faults: [specOf(fault)],
      }),
      files: new Map(),
    });

    expect(run.error).toBeUndefined();
    const history = run.report?.history;
    expect(history?.faults.map(({ outcome, error, healError }) => ({ outcome, error, healError }))).toEqual([
      { outcome: "injected", error: undefined, healError: undefined },
    ]);
    expect(history?.recovery).toMatchObject({
      deploymentsAvailable: true,
      tablesAgree: true,
      heldFaults: [],
    });
  },
);
