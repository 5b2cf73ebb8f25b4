import { expect, test } from "@jest/globals";
import type { Service } from "../../../machinery/api/core-v1.js";
import type { ServedResource } from "../../../apiserver/registry/serve.js";
import type { RestClient } from "../../../machinery/client/rest-client.js";
import type { EndpointSlice } from "../../../machinery/api/discovery-v1.js";
import type { Controller } from "../../../controllers/controller.js";
import { allControllers } from "../../../controllers/controllers.js";
import { IpPool } from "../../../kubelet-sim/runtime/ip-pool.js";
import type { PodNetwork, RuntimeOptions } from "../../../kubelet-sim/runtime/runtime.js";
import { newTarget } from "../../../chaos/scenario/defaults.js";
import type { Parts } from "../../../simulation/parts.js";
import { aFault, judgedRun, withProbe } from "./judged-run.js";

const INVARIANTS = ["endpoints-converge", "unique-pod-ips", "cluster-ip-stable", "controllers-converge"];

test("unchanged, endpoints follow pods, addresses are unique and everything converges", async () => {
  const { violated } = await judgedRun({ invariants: INVARIANTS });

  expect(violated).toEqual([]);
});

/** The same client but for some of its methods. */
const withMethods = (client: RestClient, methods: Partial<RestClient>): RestClient =>
  new Proxy(client, {
    get(target, name) {
      const own = methods[name as keyof RestClient];
      if (own) return own;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });

/** One controller with another client. */
const withClient = (name: string, change: (client: RestClient) => Partial<RestClient>): Parts => {
  const wrong = (controller: Controller): Controller => ({
    ...controller,
    create: (deps) => controller.create({ ...deps, client: withMethods(deps.client, change(deps.client)) }),
  });
  const known = allControllers.map((one) => (one.name === name ? wrong(one) : one));
  return { controllers: (options) => ({ ...options, known }) };
};

const allReady = (slice: EndpointSlice): EndpointSlice => ({
  ...slice,
  endpoints: (slice.endpoints ?? []).map((endpoint) => ({
    ...endpoint,
    conditions: { ready: true, serving: true, terminating: false },
  })),
});

test("an endpointslice controller that ignores readiness is caught", async () => {
  const slow = {
    invariants: INVARIANTS,
    scenario: {
      budgets: { endpointsConvergeWithinMs: 1000 },
      manifests: withProbe({ initialDelaySeconds: 3 }),
    },
  };
  const parts = withClient("endpointslice", (client) => ({
    create: (descriptor, manifest, options) =>
      client.create(descriptor, allReady(manifest as unknown as EndpointSlice) as never, options),
    update: (descriptor, object, options) =>
      client.update(descriptor, allReady(object as unknown as EndpointSlice) as never, options),
  }));

  expect((await judgedRun(slow)).violated).toEqual([]);
  const { violated, verdict } = await judgedRun({ ...slow, parts });
  expect(violated).toContain("endpoints-converge");
  expect(verdict("endpoints-converge").violations[0]).toMatch(
    /was not ready, and 1000 ms later it was still a ready/,
  );
});

test("a pool that hands out an address that is in use is caught", async () => {
  /** The second and every later pod of a node gets the first one's. */
  class OneAddress extends IpPool {
    #only: string | undefined;
    override take(): string {
      this.#only ??= super.take();
      return this.#only;
    }
  }
  /** Where an address is there already, the second host cannot be reached: as when nobody hears its ARP. */
  const sharing = ({ network }: RuntimeOptions): RuntimeOptions["network"] => {
    let others = 0;
    const unreachable = (ips: readonly string[]): PodNetwork =>
      new Proxy(network.addHost([`198.18.0.${++others}`]), {
        get(target, name) {
          const value: unknown = name === "ips" ? ips : Reflect.get(target, name);
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
    return {
      addHost: (ips) => {
        try {
          return network.addHost(ips);
        } catch {
          return unreachable(ips);
        }
      },
    };
  };
  const { violated, verdict } = await judgedRun({
    invariants: INVARIANTS,
    faults: [],
    scenario: { manifests: withProbe({ replicas: 4 }) },
    parts: {
      runtime: (options) => ({
        ...options,
        newIpPool: (...of) => new OneAddress(...of),
        network: sharing(options),
      }),
    },
  });

  expect(violated).toContain("unique-pod-ips");
  expect(verdict("unique-pod-ips").violations[0]).toMatch(
    /got 10\.244\.\d+\.2, which default\/web-.* had too/,
  );
});

test("an API server that gives a Service another ClusterIP is caught", async () => {
  const change = (resource: ServedResource): ServedResource => {
    if (resource.descriptor.plural !== "services") return resource;
    const strategy = {
      ...resource.strategy,
      canonicalize: (object: Service) => {
        if (object.metadata.name === "web" && object.spec.type === "ClusterIP") {
          object.spec.clusterIP = "10.96.0.99";
          object.spec.clusterIPs = ["10.96.0.99"];
        }
      },
    };
    return { ...resource, strategy: strategy as unknown as ServedResource["strategy"] };
  };
  const edited = {
    invariants: ["cluster-ip-stable"],
    faults: [aFault("service-type-change", { target: newTarget({ name: "web" }) })],
  };

  expect((await judgedRun(edited)).violated).toEqual([]);
  const { verdict } = await judgedRun({
    ...edited,
    parts: { apiServer: (options) => ({ ...options, resources: options.resources.map(change) }) },
  });
  expect(verdict("cluster-ip-stable").violations[0]).toMatch(
    /default\/web changed from 10\.\S+ to 10\.96\.0\.99/,
  );
});

test("a controller that stops after some syncs is caught once the faults have ended", async () => {
  const parts = withClient("replicaset", (client) => {
    let left = 5;
    return {
      create: (descriptor, manifest, options) =>
        descriptor.plural === "pods" && --left < 0
          ? new Promise(() => {})
          : client.create(descriptor, manifest, options),
    };
  });
  const { violated, verdict } = await judgedRun({
    invariants: INVARIANTS,
    scenario: { steadyState: { deployments: true, conditions: [], timeoutMs: 10_000 } },
    parts,
  });

  expect(violated).toContain("controllers-converge");
  expect(verdict("controllers-converge").violations[0]).toMatch(
    /replicaset default\/web-\S+ has 1 pods, 1 of them ready, and wants 3/,
  );
});
