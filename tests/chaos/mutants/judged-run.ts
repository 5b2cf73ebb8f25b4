import { jest } from "@jest/globals";
import type { Verdict } from "../../../chaos/checker.js";
import { checkers } from "../../../chaos/checkers.js";
import { withDefaults } from "../../../chaos/parameters.js";
import {
  newFaultSpec,
  newScenario,
  newTarget,
  newTraffic,
  newTrigger,
} from "../../../chaos/scenario/defaults.js";
import type { FaultSpec, Scenario } from "../../../chaos/scenario/types.js";
import { faults } from "../../../chaos/faults.js";
import type { SimulatedCluster } from "../../../simulation/cluster.js";
import type { Parts } from "../../../simulation/parts.js";
import { runSeed, type SeedRun } from "../../../simulation/run-seed.js";

// A run takes a fraction of a second, on a machine that does nothing else.
jest.setTimeout(60_000);

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
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            name: "web",
            image: "nginx",
            ports: [{ containerPort: 80 }],
            readinessProbe: { httpGet: { path: "/", port: 80 }, periodSeconds: 1 },
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

/** The same with another number of replicas, or another way of asking for readiness. */
export function withProbe({ replicas = 3, ...probe }: { replicas?: number; initialDelaySeconds?: number }) {
  const { template } = deployment.spec;
  const [container] = template.spec.containers;
  const readinessProbe = { ...container?.readinessProbe, ...probe };
  const spec = { ...template.spec, containers: [{ ...container, readinessProbe }] };
  return [
    { ...deployment, spec: { ...deployment.spec, replicas, template: { ...template, spec } } },
    service,
  ];
}

export interface JudgedRun {
  run: SeedRun;
  verdict: (invariant: string) => Verdict;
  violated: string[];
}

export interface JudgedOptions {
  invariants: readonly string[];
  seed?: string;
  parts?: Parts;
  faults?: readonly FaultSpec[];
  scenario?: Partial<Scenario>;
  onCluster?: (cluster: SimulatedCluster) => void;
}

/** A step with everything as a file would have it. */
export function aFault(name: string, given: Partial<FaultSpec> = {}): FaultSpec {
  const fault = faults.find((one) => one.name === name);
  if (!fault) throw new RangeError(`no fault ${name}`);
  const { parameters, ...rest } = given;
  return newFaultSpec({
    fault: name,
    target: newTarget({ selector: "app=web" }),
    trigger: newTrigger({ startMs: { min: 500, max: 1500 }, untilMs: 6000 }),
    ...(fault.momentary ? {} : { durationMs: { min: 1500, max: 1500 } }),
    ...rest,
    parameters: withDefaults(fault.parameters, parameters ?? {}),
  });
}

/** Pods of `web` are deleted one after the other, while this machine calls them. */
export const killer = (): FaultSpec =>
  aFault("kill-pod", {
    trigger: newTrigger({
      startMs: { min: 0, max: 0 },
      repeat: { everyMs: { min: 700, max: 900 }, jitterMs: 0, times: 4 },
      untilMs: 4000,
    }),
  });

/** Six seconds of a Deployment and its Service in a simulated cluster. */
export async function judgedRun(options: JudgedOptions): Promise<JudgedRun> {
  const { invariants, seed = "1", parts } = options;
  const run = await runSeed({
    scenario: newScenario({
      name: "judged",
      seed,
      durationMs: 6000,
      manifests: [deployment, service],
      traffic: [newTraffic({ name: "host", from: "host", service: "web", perSecond: 20 })],
      faults: [...(options.faults ?? [killer()])],
      invariants: invariants.map((name) => ({ name, parameters: defaultsOf(name) })),
      ...options.scenario,
    }),
    files: new Map(),
    ...(parts ? { parts } : {}),
    ...(options.onCluster ? { onCluster: options.onCluster } : {}),
  });
  if (!run.report) throw new Error(`there was nothing to judge: ${run.error}`);
  const { verdicts } = run.report;
  return {
    run,
    verdict: (invariant) => {
      const found = verdicts.find((one) => one.invariant === invariant);
      if (!found) throw new RangeError(`${invariant} was not judged`);
      return found.verdict;
    },
    violated: verdicts.filter(({ verdict }) => !verdict.held).map(({ invariant }) => invariant),
  };
}

function defaultsOf(invariant: string): Record<string, unknown> {
  const checker = checkers.find(({ name }) => name === invariant);
  if (!checker) throw new RangeError(`no invariant ${invariant}`);
  return withDefaults(checker.parameters ?? {}, {});
}
