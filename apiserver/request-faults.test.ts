import { expect, test } from "@jest/globals";
import type { HttpRequest } from "../machinery/api/http.js";
import { FaultPoints } from "../machinery/runtime/fault-points.js";
import { seededRng } from "../machinery/runtime/seeded-rng.js";
import { VirtualClock } from "../simulation/virtual-clock.js";
import { RequestFaults } from "./request-faults.js";

function aServer() {
  const clock = new VirtualClock();
  const points = new FaultPoints({ clock, enabled: true });
  const served: string[] = [];
  const server = new RequestFaults(
    {
      request: async ({ method }) => {
        served.push(method);
        return { status: 200, headers: {}, body: new Uint8Array() };
      },
      upgrade: () => Promise.resolve(undefined),
    },
    { clock, rng: seededRng(1) },
  );
  server.define(points);
  const inject = (parameters: Record<string, unknown>): void =>
    points.inject({ id: "a", point: "requests", parameters, endsAtMs: clock.nowMs() + 60_000 });
  const ask = (more: Partial<HttpRequest> = {}) =>
    server.request(
      { method: "GET", path: "/api/v1/pods", headers: { "user-agent": "kubelet/v1.36.0" }, ...more },
      new AbortController().signal,
    );
  return { clock, points, served, inject, ask };
}

test("an overloaded API server answers 429 with Retry-After and does nothing", async () => {
  const { inject, ask, served } = aServer();
  inject({ status: 429, retryAfterSeconds: 3 });

  const answer = await ask();

  expect(answer.status).toBe(429);
  expect(answer.headers["retry-after"]).toBe("3");
  expect(JSON.parse(Buffer.from(answer.body as Uint8Array).toString())).toMatchObject({
    kind: "Status",
    reason: "TooManyRequests",
  });
  expect(served).toEqual([]);
});

test("an ambiguous write is made, but its answer is lost", async () => {
  const { inject, ask, served } = aServer();
  inject({ ambiguous: true, verbs: ["create"] });

  await expect(ask({ method: "POST" })).rejects.toThrow("the answer is lost");

  expect(served).toEqual(["POST"]);
});

test("a fault of one verb, resource or client leaves other requests alone", async () => {
  const { inject, ask } = aServer();
  inject({ status: 500, verbs: ["list"], resources: ["pods"], clients: ["kubelet"] });

  expect((await ask()).status).toBe(500);
  expect((await ask({ path: "/api/v1/services" })).status).toBe(200);
  expect((await ask({ method: "POST" })).status).toBe(200);
  expect((await ask({ headers: { "user-agent": "kubectl/v1.32" } })).status).toBe(200);
});

test("who watches the experiment is not part of it unless named", async () => {
  const { inject, ask } = aServer();
  inject({ status: 503 });

  expect((await ask({ headers: { "user-agent": "kubesim" } })).status).toBe(200);
});

test("a share of the requests is concerned, by the seed", async () => {
  const { inject, ask } = aServer();
  inject({ status: 500, percent: 30 });

  const answers = await Promise.all(Array.from({ length: 1000 }, () => ask()));

  const failed = answers.filter(({ status }) => status === 500).length;
  expect(failed).toBeGreaterThan(250);
  expect(failed).toBeLessThan(350);
});

test("requests are slow, and quick again once healed", async () => {
  const { clock, points, inject, ask, served } = aServer();
  inject({ delayMs: 200 });
  const slow = ask();
  await Promise.resolve();
  expect(served).toEqual([]);
  clock.step();
  await slow;
  expect(clock.monotonicMs()).toBe(200);

  points.heal("a");
  await ask();

  expect(clock.monotonicMs()).toBe(200);
});

test("a status that no API server gives is refused", () => {
  const { inject } = aServer();

  expect(() => inject({ status: 418 })).toThrow("status must be one of 409, 429, 500, 503, 504");
});
