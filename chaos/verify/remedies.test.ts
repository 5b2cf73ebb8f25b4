import { expect, test } from "@jest/globals";
import { inWords, nextRemedies, patchOf } from "./remedies.js";
import type { GivenDeployment, Subject } from "./subject.js";

const deployment = (container: object = {}, spec: object = {}): GivenDeployment =>
  ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: {
      replicas: 3,
      template: { spec: { containers: [{ name: "web", image: "nginx", ...container }] } },
      ...spec,
    },
  }) as unknown as GivenDeployment;

const subject = (given: GivenDeployment): Subject => ({
  namespace: "default",
  name: "web",
  deployment: given,
  services: [{ metadata: { name: "web" }, spec: { ports: [{ port: 80, targetPort: "http" }] } }] as never,
  objects: [],
});

test("a pod that closes its port too early sleeps longer and longer, from what it sleeps now", () => {
  expect(nextRemedies({}, "closed-port", deployment())).toEqual({ preStopSeconds: 1 });
  expect(nextRemedies({ preStopSeconds: 1 }, "cut-short", deployment())).toEqual({ preStopSeconds: 2 });
  const sleeping = deployment({ lifecycle: { preStop: { sleep: { seconds: 4 } } } });
  expect(nextRemedies({}, "closed-port", sleeping)).toEqual({ preStopSeconds: 5 });
  expect(nextRemedies({ preStopSeconds: 30 }, "closed-port", deployment())).toBeUndefined();
});

test("a Service that is left without endpoints gets a rollout that keeps pods, or a second replica", () => {
  expect(nextRemedies({}, "no-endpoints", deployment({}, { strategy: { type: "Recreate" } }))).toEqual({
    surge: true,
  });
  const all = { strategy: { rollingUpdate: { maxUnavailable: "100%" } } };
  expect(nextRemedies({}, "no-endpoints", deployment({}, all))).toEqual({ surge: true });
  expect(nextRemedies({}, "no-endpoints", deployment({}, { replicas: 1 }))).toEqual({ replicas: 2 });
});

test("a pod that is asked before it listens gets a readiness probe, unless it has one", () => {
  expect(nextRemedies({}, "not-listening", deployment())).toEqual({ readinessProbe: true });
  expect(
    nextRemedies({}, "not-listening", deployment({ readinessProbe: { httpGet: { port: 80 } } })),
  ).toBeUndefined();
});

test("nothing is advised against what no manifest can change", () => {
  expect(nextRemedies({}, "error-status", deployment())).toBeUndefined();
  expect(nextRemedies({}, undefined, deployment())).toBeUndefined();
});

test("the patch names the container, the Service's port and what was tried", () => {
  const remedies = { preStopSeconds: 20, readinessProbe: true, surge: true, replicas: 2 };

  expect(patchOf(remedies, subject(deployment()))).toEqual({
    spec: {
      replicas: 2,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: {
        spec: {
          terminationGracePeriodSeconds: 40,
          containers: [
            {
              name: "web",
              lifecycle: { preStop: { sleep: { seconds: 20 } } },
              readinessProbe: { tcpSocket: { port: "http" }, periodSeconds: 1 },
            },
          ],
        },
      },
    },
  });
  expect(inWords(remedies)).toBe(
    "a preStop sleep of 20 s or more, a readiness probe, a rollout with maxUnavailable: 0 and 2 replicas",
  );
});

test("a hook that is there runs after the sleep", () => {
  const hooked = deployment({ lifecycle: { preStop: { exec: { command: ["/bye", "now"] } } } });

  expect(JSON.stringify(patchOf({ preStopSeconds: 2 }, subject(hooked)))).toContain(
    JSON.stringify({ exec: { command: ["/bin/sh", "-c", 'sleep 2; exec "$0" "$@"', "/bye", "now"] } }),
  );
});
