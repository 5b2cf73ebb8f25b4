import { expect, test } from "@jest/globals";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import type { ResourceDescriptor } from "../../machinery/api/resource.js";
import type { RestClient } from "../../machinery/client/rest-client.js";
import { aService, aSlice } from "../../machinery/dns/testing.js";
import type { AskedQuery, LookupCost } from "./dns-cost.js";
import { staleAnswers } from "./dns-truth.js";

const objects: Record<string, unknown[]> = {
  services: [aService("web", { clusterIP: "10.96.7.7" }), aService("db", { clusterIP: "None" })],
  endpointslices: [aSlice("db", [{ addresses: ["10.244.0.9"], conditions: { ready: true } }])],
};
/** An API server that only lists. */
const client = {
  list: async ({ plural }: ResourceDescriptor<KubeObject>) => ({ items: objects[plural] ?? [] }),
} as unknown as RestClient;

const query = (name: string, ...answers: string[]): AskedQuery => ({
  name,
  type: "A",
  server: "10.96.0.10:53",
  rcode: answers.length > 0 ? "NOERROR" : "NXDOMAIN",
  answers: answers.map((data) => ({ data, ttlSeconds: 30 })),
  truncated: false,
});
const stale = (...queries: AskedQuery[]) => staleAnswers(client, { queries } as unknown as LookupCost);

test("answers that the API would give now are not stale, whatever their order", async () => {
  expect(
    await stale(
      query("web.default.svc.cluster.local", "10.96.7.7"),
      query("db.default.svc.cluster.local", "10.244.0.9"),
      query("nope.default.svc.cluster.local"),
      query("www.example.com", "192.0.2.1"),
    ),
  ).toEqual([]);
});

test("an address of before, and a name that is new, are told with what the API has", async () => {
  expect(
    await stale(query("db.default.svc.cluster.local", "10.244.0.8"), query("web.default.svc.cluster.local")),
  ).toEqual([
    { name: "db.default.svc.cluster.local", type: "A", answered: ["10.244.0.8"], now: ["10.244.0.9"] },
    { name: "web.default.svc.cluster.local", type: "A", answered: [], now: ["10.96.7.7"] },
  ]);
});
