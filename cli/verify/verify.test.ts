import { expect, test } from "@jest/globals";
import { findSubjects, type Given, type Subject } from "../../chaos/verify/subject.js";
import { upheavals } from "../../chaos/verify/upheavals.js";
import { runSeed } from "../../simulation/run-seed.js";
import { summarize } from "../../simulation/summarize.js";
import type { SeedRunner } from "../simulate/seed-pool.js";
import { advise } from "./advise.js";
import { tryCalmRun } from "./baseline.js";
import { counterexampleOf } from "./counterexample.js";
import { exploreUpheavals, runsOf } from "./exploration.js";
import type { VerifySettings } from "./plan.js";

/** In this process: what is tried is what is run, not how it is spread. */
const here: SeedRunner = {
  capacity: 1,
  run: async (scenario) => summarize(await runSeed({ scenario, files: new Map() })),
};
const signal = new AbortController().signal;
const settings = (seeds: number): VerifySettings => ({ seeds, firstSeed: "1", strict: false });

/** Seconds on a machine of its own; whole suites run beside others. */
const LIMIT_MS = 180_000;

interface Shape {
  replicas?: number;
  preStopSeconds?: number;
  container?: object;
}

function web({ replicas = 2, preStopSeconds, container = {} }: Shape): Subject {
  const labels = { app: "web" };
  const spec = {
    terminationGracePeriodSeconds: 5,
    containers: [
      {
        name: "web",
        image: "nginx",
        ports: [{ containerPort: 80 }],
        readinessProbe: { httpGet: { path: "/", port: 80 }, periodSeconds: 1 },
        ...(preStopSeconds === undefined
          ? {}
          : { lifecycle: { preStop: { sleep: { seconds: preStopSeconds } } } }),
        ...container,
      },
    ],
  };
  const [subject] = findSubjects([
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "web" },
      spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
    } as unknown as Given,
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web" },
      spec: { selector: labels, ports: [{ port: 80 }] },
    } as unknown as Given,
  ]);
  if (!subject) throw new Error("no subject");
  return subject;
}

test(
  "a rolling update without preStop loses a request, and the shortest way to it is told in words",
  async () => {
    const subject = web({});
    const [upheaval] = upheavals;
    if (!upheaval) throw new Error("no upheaval");

    const found = await counterexampleOf({
      subject,
      run: { upheaval, seed: "1" },
      settings: settings(1),
      pool: here,
      signal,
      mostRuns: 1,
    });

    expect(found?.sentence).toMatch(
      /^node-\d's proxy learnt at \d+\.\d{3} s that 10\.244\.\d+\.\d+ was going; the pod had closed its port at \d+\.\d{3} s$/,
    );
    expect(found?.events.map(({ text }) => text)).toContain("rolling-update begins");
  },
  LIMIT_MS,
);

test(
  "with a preStop sleep of two seconds no request is lost in fifty runs",
  async () => {
    const results = await exploreUpheavals({
      subject: web({ preStopSeconds: 2 }),
      settings: settings(50),
      pool: here,
      signal,
      stopAtFirst: false,
    });

    expect(
      results.flatMap(({ violation, couldNotRun }) => [violation, ...couldNotRun]).filter(Boolean),
    ).toEqual([]);
    expect(runsOf(results)).toBeGreaterThanOrEqual(50);
  },
  LIMIT_MS,
);

test(
  "the advice is what was proved: a longer sleep is tried until all runs hold",
  async () => {
    const subject = web({});
    const plan = settings(2);
    const results = await exploreUpheavals({
      subject,
      settings: plan,
      pool: here,
      signal,
      stopAtFirst: true,
    });

    const advice = await advise({ subject, results, settings: plan, pool: here, signal });

    expect(advice).toMatchObject({
      proved: true,
      words: expect.stringMatching(/^a preStop sleep of [12] s or more$/),
    });
    expect(advice?.runs).toBeGreaterThanOrEqual(2);
  },
  LIMIT_MS,
);

test(
  "an application that nobody can ask is told so, and not that it loses requests",
  async () => {
    const silent = web({
      container: { readinessProbe: undefined, image: "busybox", command: ["sleep", "9999"] },
    });

    await expect(tryCalmRun(silent, settings(1))).rejects.toThrow(
      "failed while nothing happened (web-node-1: Connection refused): does it speak HTTP on the Service's first port?",
    );
  },
  LIMIT_MS,
);

test(
  "what the API server refuses is told in its words",
  async () => {
    const refused = web({ container: { livenessProbe: { httpGet: { path: "/" } } } });

    await expect(tryCalmRun(refused, settings(1))).rejects.toThrow(/Deployment.*"web" is invalid/);
  },
  LIMIT_MS,
);
