import type { KubeObject } from "../../machinery/api/meta-v1.js";
import { silentLogger } from "../../machinery/api/logger.js";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import { SimulationScheduler } from "../../simulation/scheduler.js";
import { VirtualClock } from "../../simulation/virtual-clock.js";
import type { ClusterAccess, HostAnswer, HostRequest } from "../cluster-access.js";
import type { Fault } from "../fault.js";
import { FaultHolder } from "../fault-holder.js";
import { type FaultJournal, memoryJournal } from "../fault-journal.js";
import type { RunReport } from "../judge.js";
import { runScenario } from "../runner.js";
import { newScenario } from "../scenario/defaults.js";
import type { ClusterShape, Scenario } from "../scenario/types.js";
import { type FakeClient, fakeClient } from "./fake-client.js";
import { type FakeReach, fakeReach } from "./fake-reach.js";
import { aDeployment, aNode, aService } from "./objects.js";

export interface FakeCluster extends ClusterAccess, Pick<FakeClient, "put" | "remove" | "objects"> {
  clock: VirtualClock;
  journal: FaultJournal;
  reached: FakeReach;
  /** What the client was asked to change. */
  calls: string[];
  /** Of requests from the host; may be replaced. Default: 200 at once. */
  answer: (request: HostRequest) => HostAnswer | Promise<HostAnswer>;
  /** Of `GET component path`; may be replaced. */
  inspected: Record<string, unknown>;
  known: ClusterShape;
  applied: unknown[];
}

/** A cluster without anything behind it, on a virtual clock: one node, a Deployment and a Service `web` unless told otherwise. */
export function fakeCluster(
  faults: readonly Fault[],
  objects: readonly KubeObject[] = [aNode("node-1"), aDeployment("web"), aService("web")],
): FakeCluster {
  const clock = new VirtualClock();
  const { client, calls, put, remove, objects: stored } = fakeClient(objects);
  const reached = fakeReach(client, clock);
  const journal = memoryJournal();
  const cluster: FakeCluster = {
    client,
    clock,
    calls,
    put,
    remove,
    objects: stored,
    journal,
    reached,
    faults: new FaultHolder({ faults, reach: reached.reach, journal, logger: silentLogger }),
    known: {},
    applied: [],
    inspected: {},
    answer: () => ({ outcome: "ok", status: 200 }),
    shape: async () => cluster.known,
    apply: async (manifests) => void cluster.applied.push(...manifests),
    requestFromHost: async (request) => cluster.answer(request),
    flows: async () => [],
    inspect: async (component, path) =>
      cluster.inspected[`${component} ${path}`] ?? reached.reach.components.inspect(component, path),
  };
  return cluster;
}

export interface FakeRun {
  cluster: FakeCluster;
  scenario: Partial<Scenario>;
  faults: readonly Fault[];
  seed?: string;
  signal?: AbortSignal;
}

/** Runs a scenario of ten seconds on a fake cluster, as fast as its clock can be moved. */
export function runOnFake({ cluster, scenario, faults, seed = "1", signal }: FakeRun): Promise<RunReport> {
  const running = runScenario({
    scenario: newScenario({ name: "test", seed, durationMs: 10_000, ...scenario }),
    cluster,
    faults,
    rng: seededRng(seed),
    signal: signal ?? new AbortController().signal,
  });
  return new SimulationScheduler(cluster.clock).settle(running);
}
