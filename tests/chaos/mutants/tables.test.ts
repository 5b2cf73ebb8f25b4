import { expect, test } from "@jest/globals";
import { balancerNamed } from "../../../proxy-sim/balancers/balancers.js";
import type { Balancer } from "../../../proxy-sim/balancers/balancer.js";
import type { Backend, DataPlaneApi, ServicePortRoute } from "../../../proxy-sim/dataplane/table.js";
import { judgedRun } from "./judged-run.js";

/** Picks among all endpoints it was ever shown. */
function withLongMemory(): (name: string) => Balancer | undefined {
  const known = new Map<string, Backend>();
  const balancer = balancerNamed("iptables") as Balancer;
  const unforgetting: Balancer = {
    ...balancer,
    pick(backends, state, packet) {
      for (const backend of backends) if (!known.has(backend.ip)) known.set(backend.ip, backend);
      const web = [...known.values()].filter(({ port }) => port === backends[0]?.port);
      return balancer.pick(web, state, packet);
    },
  };
  return () => unforgetting;
}

/** A proxy that adds endpoints to its rules and takes none out. */
function withoutRemovals(dataPlane: DataPlaneApi): DataPlaneApi {
  const kept = new Map<string, Map<string, Backend>>();
  const grown = (route: ServicePortRoute): ServicePortRoute => {
    const backends = kept.get(route.servicePort) ?? new Map<string, Backend>();
    kept.set(route.servicePort, backends);
    for (const backend of route.backends) backends.set(`${backend.ip} ${backend.port}`, backend);
    return { ...route, backends: [...backends.values()] };
  };
  return {
    boots: (signal) => dataPlane.boots(signal),
    program: (transaction, signal) =>
      dataPlane.program(
        {
          ...transaction,
          ...(transaction.tables
            ? { tables: transaction.tables.map((update) => ({ ...update, set: update.set.map(grown) })) }
            : {}),
        },
        signal,
      ),
  };
}

const INVARIANTS = ["only-table-backends", "tables-as-seen", "only-selected-pods"];

test("unchanged, tables are what was seen and flows go where tables say", async () => {
  const { violated, verdict } = await judgedRun({ invariants: INVARIANTS });

  expect(violated).toEqual([]);
  expect(verdict("only-table-backends").summary).toMatch(/^all [1-9]\d+ flows/);
  expect(verdict("tables-as-seen").summary).toMatch(/^[1-9]\d+ tables/);
});

test("a balancer that picks outside the table is caught by the table that each flow met", async () => {
  const { violated, verdict } = await judgedRun({
    invariants: INVARIANTS,
    parts: { dataPlane: (options) => ({ ...options, balancerNamed: withLongMemory() }) },
  });

  expect(violated).toContain("only-table-backends");
  expect(violated).not.toContain("tables-as-seen");
  expect(verdict("only-table-backends").violations[0]).toMatch(/default\/web:http at .* the table held 10\./);
});

test("a proxy whose rules keep endpoints that are gone is caught by what it had seen", async () => {
  const { violated, verdict } = await judgedRun({
    invariants: INVARIANTS,
    parts: { proxy: (options) => ({ ...options, dataPlane: withoutRemovals(options.dataPlane) }) },
  });

  expect(violated).toContain("tables-as-seen");
  expect(violated).not.toContain("only-table-backends");
  expect(verdict("tables-as-seen").violations[0]).toMatch(/default\/web:http is .*, and should be/);
});
