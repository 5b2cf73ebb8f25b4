import { expect, test } from "@jest/globals";
import { Causes, normalized, type SeedSummary } from "./causes.js";

const summary = (seed: string, ...examples: string[]): SeedSummary => ({
  seed,
  outcome: examples.length > 0 ? "violated" : "held",
  violations: examples.map((example) => ({
    cause: { invariant: "request-budget", text: normalized(example) },
    example,
  })),
  hash: "",
  requests: 0,
  failedRequests: 0,
  faults: 0,
  simulatedMs: 0,
});

test("names, addresses, times and numbers do not make two causes of one", () => {
  const texts = [
    "inside at 2026-03-01T00:00:12.328Z: 10.244.0.3:40737 → default/web-fc4f7cb98-82ttb on node-2 took 12.5 ms",
    "inside at 2026-03-01T00:00:01.001Z: 10.244.1.9:32769 → default/web-5d8f9c7b66-x2x4z on node-1 took 3 ms",
  ];

  expect(new Set(texts.map(normalized)).size).toBe(1);
  expect(normalized("inside: Connection refused")).not.toBe(normalized("inside: No route to host"));
});

test("each cause is told once, with how many seeds show it and the first of them", () => {
  const causes = new Causes();
  causes.add(summary("7", "at 2026-03-01T00:00:03.318Z: Connection refused"), 7);
  causes.add(summary("3", "at 2026-03-01T00:00:09.101Z: Connection refused", "No route to host"), 3);
  causes.add(summary("4"), 4);

  expect(causes.list()).toEqual([
    expect.objectContaining({
      seeds: 2,
      firstSeed: "3",
      example: expect.stringContaining("09.101Z") as unknown,
    }),
    expect.objectContaining({ seeds: 1, firstSeed: "3", example: "No route to host" }),
  ]);
});
