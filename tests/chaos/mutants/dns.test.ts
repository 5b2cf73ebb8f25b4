import { expect, test } from "@jest/globals";
import { fileURLToPath } from "node:url";
import { newTrigger } from "../../../chaos/scenario/defaults.js";
import { readManifests } from "../../../cli/manifests.js";
import type { Clock } from "../../../machinery/api/clock.js";
import type { Transport } from "../../../machinery/api/http.js";
import { aFault, judgedRun, withProbe } from "./judged-run.js";

const coredns = fileURLToPath(new URL("../../../manifests/system/coredns.yaml", import.meta.url));

/** Cluster DNS whose answers live for two seconds, and a headless Service of the same pods. */
function manifests(): Record<string, unknown>[] {
  const system = readManifests([coredns]).map(({ object }) => object as unknown as Record<string, unknown>);
  for (const object of system) {
    const data = object["data"] as Record<string, string> | undefined;
    if (data?.["Corefile"]) data["Corefile"] = data["Corefile"].replace("ttl 30", "ttl 2");
  }
  const headless = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web-headless", namespace: "default" },
    spec: { clusterIP: "None", selector: { app: "web" }, ports: [{ name: "http", port: 80 }] },
  };
  return [...system, ...withProbe({}), headless];
}

const killedOnce = {
  invariants: ["dns-agrees"],
  faults: [aFault("kill-pod", { trigger: newTrigger({ startMs: { min: 3000, max: 3100 }, untilMs: 6000 }) })],
  scenario: { manifests: manifests(), durationMs: 9000 },
};

test("unchanged, every replica of DNS says what Services and endpoints say", async () => {
  const { violated, verdict } = await judgedRun(killedOnce);

  expect(violated).toEqual([]);
  expect(verdict("dns-agrees").summary).toMatch(/^\d\d+ answers of 3 name servers agreed/);
});

/** A watch that tells nothing any more after three seconds, and does not end. */
const deafened = (transport: Transport, clock: Clock): Transport => ({
  upgrade: (...of) => transport.upgrade(...of),
  async request(request, signal) {
    const response = await transport.request(request, signal);
    if (!request.path.includes("watch=") || response.body instanceof Uint8Array) return response;
    return { ...response, body: heardUntil(response.body, clock, clock.monotonicMs() + 3000) };
  },
});

async function* heardUntil(body: AsyncIterable<Uint8Array>, clock: Clock, untilMs: number) {
  for await (const chunk of body) if (clock.monotonicMs() < untilMs) yield chunk;
}

test("a name server that serves old answers is caught when their time is over", async () => {
  const { verdict } = await judgedRun({
    ...killedOnce,
    parts: {
      runtime: (options) => {
        const { apiAccess, clock } = options;
        if (!apiAccess) return options;
        return { ...options, apiAccess: (...of) => deafened(apiAccess(...of), clock) };
      },
    },
  });

  expect(verdict("dns-agrees").violations[0]).toMatch(
    /said that web-headless\.default\.svc\.cluster\.local is 10\.244\.\S+; in the 3000 ms before it was 10\./,
  );
});
