import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Clock } from "../machinery/api/clock.js";
import { seededRng } from "../machinery/runtime/seeded-rng.js";
import { systemClock } from "../machinery/runtime/system-clock.js";
import { balancers } from "./balancers/balancers.js";
import type { Packet } from "./dataplane/decision.js";
import { backendKey } from "./dataplane/route-entry.js";
import { Router } from "./dataplane/router.js";
import type { Backend, NodeRoute, ServicePortRoute } from "./dataplane/table.js";
import { aBackend, aRoute } from "./dataplane/testing.js";

const NODES = [1, 2, 3];
const SERVICES = [0, 1, 2];

const aNode = (number: number): NodeRoute => ({
  nodeName: `node-${number}`,
  internalIP: `172.18.0.${number + 2}`,
  secondaryIP: `fd00:172:18::${number + 2}`,
  podCIDRs: [`10.244.${number}.0/24`, `fd00:10:244:${number}::/64`],
  carrier: "kubelet",
});

const backend = fc
  .record({
    node: fc.constantFrom(...NODES),
    pod: fc.integer({ min: 2, max: 6 }),
    state: fc.constantFrom("ready", "unready", "draining"),
    weight: fc.integer({ min: 0, max: 3 }),
  })
  .map(({ node, pod, state, weight }) =>
    aBackend(`10.244.${node}.${pod}`, {
      nodeName: `node-${node}`,
      ready: state === "ready",
      serving: state !== "unready",
      terminating: state === "draining",
      weight,
    }),
  );
const policy = fc.constantFrom("Cluster" as const, "Local" as const);

const route = fc
  .record({
    number: fc.constantFrom(...SERVICES),
    backends: fc.uniqueArray(backend, { selector: ({ ip }) => ip, maxLength: 6 }),
    internalTrafficPolicy: policy,
    externalTrafficPolicy: policy,
    sticky: fc.boolean(),
  })
  .map(({ number, sticky, ...rest }) =>
    aRoute(`default/web-${number}`, {
      ...rest,
      clusterIPs: [`10.96.0.${number + 1}`],
      nodePort: 30_000 + number,
      ...(sticky ? { sessionAffinitySeconds: 60 } : {}),
    }),
  );

const packet = fc
  .record({
    service: fc.constantFrom(...SERVICES),
    node: fc.constantFrom(...NODES),
    pod: fc.integer({ min: 2, max: 6 }),
    entrance: fc.constantFrom("cluster-ip", "node-port", "outside"),
  })
  .map(({ service, node, pod, entrance }): Packet => {
    const nodePort = { ip: `172.18.0.${node + 2}`, port: 30_000 + service };
    const from = { ip: entrance === "outside" ? "192.0.2.1" : `10.244.${node}.${pod}`, port: 40_000 };
    const to = entrance === "cluster-ip" ? { ip: `10.96.0.${service + 1}`, port: 80 } : nodePort;
    return { protocol: "TCP", from, to, ...(entrance === "outside" ? { enteredAt: `node-${node}` } : {}) };
  });

/** A change reaches some nodes and not others, so that tables lag; packets come in between. */
const step = fc.oneof(
  fc.record({
    kind: fc.constant("update" as const),
    route,
    behind: fc.uniqueArray(fc.constantFrom(...NODES.map((n) => `node-${n}`)), { maxLength: 2 }),
  }),
  fc.record({ kind: fc.constant("packet" as const), packet }),
  fc.record({ kind: fc.constant("packet" as const), packet }),
);

/** Written anew, from the rules of kube-proxy's documentation: endpoints that a node may use, ready before draining. */
function usable(backends: readonly Backend[]): Backend[] {
  const ready = backends.filter((each) => each.ready);
  return ready.length > 0 ? ready : backends.filter((each) => each.serving && each.terminating);
}

class Cluster {
  readonly router: Router;
  /** What each node was told, kept beside the tables. */
  readonly #told = new Map<string, Map<string, ServicePortRoute>>();
  readonly #revisions = new Map<string, number>();
  #revision = 1;

  constructor(mode: string, clock: Clock = systemClock()) {
    const balancer = balancers.find(({ name }) => name === mode);
    if (!balancer) throw new Error(`no balancer ${mode}`);
    this.router = new Router({ clock, rng: seededRng("properties"), balancer, hosts: {}, serviceCIDRs: [] });
    this.router.program({
      full: true,
      nodes: { set: NODES.map(aNode), remove: [] },
      tables: [{ from: 0, to: 1, set: [], remove: [] }],
    });
    for (const number of NODES) this.#revisions.set(`node-${number}`, 1);
  }

  told(node: string): Map<string, ServicePortRoute> {
    const known = this.#told.get(node) ?? new Map<string, ServicePortRoute>();
    this.#told.set(node, known);
    return known;
  }

  revision(node: string): number {
    return this.#revisions.get(node) ?? 0;
  }

  update(changed: ServicePortRoute, behind: readonly string[] = []): void {
    this.#revision += 1;
    const nodes = NODES.map((number) => `node-${number}`).filter((node) => !behind.includes(node));
    const tables = nodes.map((node) => ({
      from: this.revision(node),
      to: this.#revision,
      nodes: [node],
      set: [changed],
      remove: [],
    }));
    expect(this.router.program({ tables })).not.toHaveProperty("mismatch");
    for (const node of nodes) {
      this.#revisions.set(node, this.#revision);
      this.told(node).set(changed.servicePort, changed);
    }
  }
}

test.each(balancers.map(({ name, mode }) => ({ name, mode })))(
  "$name: no packet reaches a pod that the revision of its node's own table does not select",
  ({ name, mode }) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const cluster = new Cluster(name);
        for (const each of steps) {
          if (each.kind === "update") cluster.update(each.route, each.behind);
          else judge(cluster, each.packet, mode);
        }
      }),
      { numRuns: 60, seed: 23 },
    );
  },
);

function judge(cluster: Cluster, sent: Packet, mode: string): void {
  const decision = cluster.router.decide(sent);
  if (!decision.match || !decision.backend) return;
  const node = decision.node ?? "";
  expect(decision.tableRevision).toBe(cluster.revision(node));
  const known = cluster.told(node).get(decision.match.entry.route.servicePort);
  const all = usable(known?.backends ?? []);
  const own = usable((known?.backends ?? []).filter(({ nodeName }) => nodeName === node));
  const external = sent.enteredAt !== undefined;
  const isLocal =
    decision.match.scope === "cluster"
      ? known?.internalTrafficPolicy === "Local"
      : external && known?.externalTrafficPolicy === "Local";
  const fallsBack = mode === "ipvs" && !external && own.length === 0;
  const allowed = isLocal && mode !== "userspace" && !fallsBack ? own : all;
  expect(allowed.map(backendKey)).toContain(backendKey(decision.backend));
  if (mode === "userspace") expect(decision.backend.ready).toBe(true);
}

test.each(balancers.map(({ name }) => name))(
  "%s: affinity holds a client until its time is over or its endpoint gone",
  (name) => {
    const gaps = fc.array(
      fc.record({ client: fc.integer({ min: 2, max: 5 }), waitSeconds: fc.integer({ min: 0, max: 90 }) }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(gaps, (calls) => {
        let nowMs = 1_000_000;
        const clock: Clock = { ...systemClock(), nowMs: () => nowMs, monotonicMs: () => nowMs };
        const cluster = new Cluster(name, clock);
        const backends = [2, 3, 4].map((pod) => aBackend(`10.244.2.${pod}`, { nodeName: "node-2" }));
        cluster.update(aRoute("default/web", { backends, sessionAffinitySeconds: 60 }));
        const last = new Map<number, { ip: string; atMs: number }>();
        for (const { client, waitSeconds } of calls) {
          nowMs += waitSeconds * 1000;
          const decision = cluster.router.decide({
            protocol: "TCP",
            from: { ip: `10.244.1.${client}`, port: 40_000 },
            to: { ip: "10.96.0.10", port: 80 },
          });
          const before = last.get(client);
          const holds = before !== undefined && nowMs - before.atMs < 60_000;
          expect(decision.affinity).toBe(holds);
          if (holds) expect(decision.to.ip).toBe(before.ip);
          last.set(client, { ip: decision.to.ip, atMs: nowMs });
        }
      }),
      { numRuns: 30, seed: 29 },
    );
  },
);

test("an update touches only the Service that changed", () => {
  fc.assert(
    fc.property(fc.array(route, { minLength: 2, maxLength: 12 }), (routes) => {
      const cluster = new Cluster("iptables");
      for (const each of routes) {
        const table = () => cluster.router.kernel("node-1")?.table;
        const before = new Map(
          [...(table()?.routes() ?? [])].map((entry) => [entry.route.servicePort, entry]),
        );
        cluster.update(each);
        for (const entry of table()?.routes() ?? [])
          if (entry.route.servicePort !== each.servicePort)
            expect(before.get(entry.route.servicePort)).toBe(entry);
        expect(table()?.get(each.servicePort)?.route).toEqual(each);
      }
    }),
    { numRuns: 60, seed: 31 },
  );
});

const EVEN = ["iptables", "nftables", "ipvs-rr", "userspace"];

test.each(EVEN)("%s: every endpoint gets its share, whatever their number", (name) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), (count) => {
      const cluster = new Cluster(name);
      const backends = Array.from({ length: count }, (_, i) => aBackend(`10.244.2.${i + 2}`));
      cluster.update(aRoute("default/web", { backends }));
      const each = 200;
      const shares = new Map<string, number>();
      for (let i = 0; i < each * count; i++) {
        const from = { ip: `10.244.1.${2 + (i % 50)}`, port: 1024 + i };
        const { to } = cluster.router.decide({ protocol: "TCP", from, to: { ip: "10.96.0.10", port: 80 } });
        shares.set(to.ip, (shares.get(to.ip) ?? 0) + 1);
      }
      // Turns are exact; a draw may be five standard deviations off.
      const tolerance = /rr|userspace/.test(name) ? 0 : 5 * Math.sqrt(each * (1 - 1 / count));
      for (const { ip } of backends)
        expect(Math.abs((shares.get(ip) ?? 0) - each)).toBeLessThanOrEqual(tolerance);
    }),
    { numRuns: 12, seed: 37 },
  );
});

const eitherFamily = fc
  .record({ pod: fc.integer({ min: 2, max: 9 }), ipv6: fc.boolean(), ready: fc.boolean() })
  .map(({ pod, ipv6, ready }) =>
    aBackend(ipv6 ? `fd00:10:244:2::${pod}` : `10.244.2.${pod}`, {
      ready,
      serving: ready,
      nodeName: "node-2",
    }),
  );

test.each(balancers.map(({ name, mode }) => ({ name, mode })))(
  "$name: an address family gets its own ready endpoints, or nobody",
  ({ name, mode }) => {
    fc.assert(
      fc.property(
        fc.uniqueArray(eitherFamily, { selector: ({ ip }) => ip }),
        fc.boolean(),
        (backends, ipv6) => {
          const cluster = new Cluster(name);
          cluster.update(aRoute("default/web", { clusterIPs: ["10.96.0.10", "fd00:10:96::a"], backends }));
          const decision = cluster.router.decide({
            protocol: "TCP",
            from: { ip: ipv6 ? "fd00:10:244:1::9" : "10.244.1.9", port: 40_000 },
            to: { ip: ipv6 ? "fd00:10:96::a" : "10.96.0.10", port: 80 },
          });
          const allowed = backends.filter(({ ip, ready }) => ready && ip.includes(":") === ipv6);
          if (allowed.length === 0)
            expect(decision.verdict).toBe(mode === "userspace" ? "closed" : "refused");
          else expect(allowed.map(({ ip }) => ip)).toContain(decision.to.ip);
        },
      ),
      { numRuns: 40, seed: 41 },
    );
  },
);

const life = fc.array(fc.constantFrom("crash", "boot", "sync", "packet", "packet"), { maxLength: 25 });

test("a node that crashed lets nothing through, and knows no Service until it was given everything again", () => {
  fc.assert(
    fc.property(life, (events) => {
      const cluster = new Cluster("iptables");
      const backends = [aBackend("10.244.2.2", { nodeName: "node-2" })];
      const web = aRoute("default/web", { backends });
      cluster.update(web);
      let [isDown, knows] = [false, true];
      for (const event of events) {
        if (event === "crash") {
          cluster.router.crash("node-1");
          [isDown, knows] = [true, false];
        } else if (event === "boot") {
          cluster.router.boot("node-1");
          isDown = false;
        } else if (event === "sync") {
          const all = { from: 0, to: cluster.revision("node-2"), nodes: ["node-1"], set: [web], remove: [] };
          cluster.router.program({ tables: [all] });
          knows = true;
        }
        const { verdict, to } = cluster.router.decide({
          protocol: "TCP",
          from: { ip: "10.244.1.9", port: 40_000 },
          to: { ip: "10.96.0.10", port: 80 },
        });
        const reached = verdict === "forward" && to.ip === "10.244.2.2";
        expect([event, reached]).toEqual([event, !isDown && knows]);
      }
    }),
    { numRuns: 80, seed: 43 },
  );
});
