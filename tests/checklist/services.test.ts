import { expect } from "@jest/globals";
import { nodes, pods, services } from "../../machinery/api/core-v1.js";
import { endpointSlices } from "../../machinery/api/discovery-v1.js";
import { EXAMPLES, inLab } from "./lab.js";
import { row } from "./row.js";

// A Service: which pods are behind it, who writes that down, and how it follows them.

const namespace = "default";

/** Three back ends that do the same work and say who did it. */
const imageBackends = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "images" },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: "images" } },
    template: {
      metadata: { labels: { app: "images" } },
      spec: {
        containers: [
          { name: "images", image: "registry.k8s.io/e2e-test-images/agnhost:2.53", args: ["netexec"] },
        ],
      },
    },
  },
};
const imageService = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "images" },
  spec: { selector: { app: "images" }, ports: [{ port: 80, targetPort: 8080 }] },
};

row(8, () =>
  inLab({}, async (lab) => {
    const service = { ...imageService, metadata: { name: "order" } };
    await lab.apply(imageBackends, service);
    await lab.routed("order", 3);
    await lab.runClient();

    await lab.wget("client", `http://${await lab.clusterIp("order")}/hostname`, 90);

    const shares = [...lab.shares("order").values()];
    expect(shares).toHaveLength(3);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBe(90);
    // 30 each on average; four standard deviations are 18.
    for (const share of shares) expect(Math.abs(share - 30)).toBeLessThan(18);
  }),
);

row(12, () =>
  inLab({ ipReuse: "immediate" }, async (lab) => {
    await lab.apply(EXAMPLES.groups);
    await lab.routed("order", 2);
    await lab.routed("payment", 2);
    await lab.runClient();

    const call = async (times: number): Promise<[string[], string[]]> => [
      await lab.wget("client", `http://${await lab.clusterIp("order")}`, times),
      await lab.wget("client", `http://${await lab.clusterIp("payment")}`, times),
    ];
    const [orders, payments] = await call(40);
    // Under churn, with pods of both groups taking over each other's addresses.
    const seen: [Set<string>, Set<string>] = [new Set(), new Set()];
    for (const selector of ["app=x", "app=y", "app=x", "app=y"]) {
      for (const { metadata } of await lab.pods(selector)) await lab.kill(metadata.name);
      for (let round = 0; round < 3; round++) {
        const answers = await call(4);
        for (const i of [0, 1] as const) for (const answer of answers[i]) seen[i].add(answer);
      }
      await lab.routed("order", 2);
      await lab.routed("payment", 2);
    }

    expect(orders).toEqual(Array(40).fill("order"));
    expect(payments).toEqual(Array(40).fill("payment"));
    expect(seen[0]).not.toContain("payment");
    expect(seen[1]).not.toContain("order");
    expect([...lab.shares("order").keys()].every((pod) => pod.startsWith("default/order-"))).toBe(true);
    expect([...lab.shares("payment").keys()].every((pod) => pod.startsWith("default/payment-"))).toBe(true);
  }),
);

row(14, () =>
  inLab({}, async (lab) => {
    await lab.applyWeb();
    const { reach } = lab.cluster;
    const lease = { id: "stall", point: "cursor", parameters: { node: "node-2", stalled: true } };
    await lab.do(reach.components.hold("proxy", { ...lease, endsAtMs: lab.cluster.clock.nowMs() + 60_000 }));
    const before = lab.routes("web", "node-2");
    const [victim] = await lab.pods("app=web");

    await lab.kill(victim?.metadata.name ?? "");
    await lab.cluster.run(3000);

    const kernels = [...lab.cluster.dataPlane.router.kernels()].map(({ name }) => name).sort();
    expect(kernels).toEqual(["node-1", "node-2", "node-3"]);
    expect(lab.routes("web", "node-2")).toEqual(before);
    expect(lab.routes("web", "node-1")).not.toEqual(before);
    expect(lab.routes("web", "node-3")).toEqual(lab.routes("web", "node-1"));
    await lab.do(reach.components.release("proxy", "stall"));
    await lab.cluster.run(1000);
    expect(lab.routes("web", "node-2")).toEqual(lab.routes("web", "node-1"));
  }),
);

row(15, () =>
  inLab({}, async (lab) => {
    await lab.applyWeb();
    await lab.runClient();
    const url = `http://${await lab.clusterIp("web")}`;
    const [victim] = await lab.pods("app=web");
    const before = await lab.endpointIps("web");
    await lab.do(lab.cluster.processes.stop("controllers"));

    await lab.runPod("more", "nginx", { labels: { app: "web" }, nodeName: "node-1" });
    await lab.kill(victim?.metadata.name ?? "");
    await lab.cluster.run(10_000);
    const frozen = await lab.endpointIps("web");
    const table = lab.routes("web");
    const pages = await lab.wget("client", url, 40);

    expect(frozen).toEqual(before);
    expect(table).toEqual(before);
    expect(lab.cluster.proxy.ready).toBe(true);
    // The proxies route on, to a pod that is gone as well.
    expect(pages).toContain("<title>Welcome to nginx!</title>");
    expect(pages).toContain("failed");
    const labelSelector = "kubernetes.io/service-name=web";
    const { items } = await lab.do(lab.client.list(endpointSlices, { namespace, labelSelector }));
    expect(items.map(({ metadata }) => metadata.labels?.["endpointslice.kubernetes.io/managed-by"])).toEqual([
      "endpointslice-controller.k8s.io",
    ]);

    await lab.do(lab.cluster.processes.start("controllers"));
    // The Deployment and the pod beside it.
    await lab.cluster.until(() => !lab.routes("web").includes(victim?.status.podIP ?? ""), 60_000);
    expect(await lab.endpointIps("web")).not.toContain(victim?.status.podIP);
  }),
);

row(16, () =>
  inLab({}, async (lab) => {
    await lab.applyWeb();
    const before = await lab.service("web");
    const ips = lab.routes("web");

    const added = await lab.runPod("fourth", "nginx", { labels: { app: "web" } });
    await lab.routed("web", 4);
    const withIt = lab.routes("web");
    await lab.kill("fourth");
    await lab.routed("web", 3);

    expect(new Set(withIt)).toEqual(new Set([...ips, added.status.podIP]));
    expect(lab.routes("web")).toEqual(ips);
    expect(await lab.service("web")).toEqual(before);
  }),
);

row(18, () =>
  inLab({}, async (lab) => {
    await lab.applyDns();
    await lab.apply(EXAMPLES.frontEnd);
    await lab.routed("images", 3);
    await lab.ready("front-end");
    const before = (await lab.logs("front-end")).length;

    await lab.cluster.run(40_000);
    const lines = (await lab.logs("front-end")).slice(before + 2);

    const backends = (await lab.pods("app=images")).map(({ metadata }) => `processed by ${metadata.name}`);
    expect(backends).toHaveLength(3);
    expect(lines.length).toBeGreaterThan(30);
    expect(new Set(lines)).toEqual(new Set(backends));
  }),
);

row(19, () =>
  inLab({}, async (lab) => {
    await lab.apply(EXAMPLES.clusterIp);
    await lab.runClient("after");
    await lab.apply({ ...imageService, metadata: { name: "late-one" } });
    const ip = await lab.clusterIp("web");

    const { output } = await lab.sh("after", "printenv | grep -E '^(WEB|LATE_ONE)_' | sort");
    await lab.runClient("later");
    const later = await lab.sh("later", "printenv | grep -cE '^LATE_ONE_SERVICE_(HOST|PORT)='");

    expect(output.trim().split("\n")).toEqual([
      `WEB_PORT=tcp://${ip}:80`,
      `WEB_PORT_80_TCP=tcp://${ip}:80`,
      `WEB_PORT_80_TCP_ADDR=${ip}`,
      "WEB_PORT_80_TCP_PORT=80",
      "WEB_PORT_80_TCP_PROTO=tcp",
      `WEB_SERVICE_HOST=${ip}`,
      "WEB_SERVICE_PORT=80",
    ]);
    expect(later.output).toBe("2\n");
  }),
);

row(43, () =>
  inLab({}, async (lab) => {
    const readinessProbe = { exec: { command: ["test", "-f", "/tmp/ready"] }, periodSeconds: 1 };
    const image = "registry.k8s.io/e2e-test-images/agnhost:2.53";
    const aPod = (name: string) => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, labels: { app: "images" } },
      spec: { containers: [{ name: "main", image, args: ["netexec"], readinessProbe }] },
    });
    await lab.apply(imageService, aPod("healthy"), aPod("ill"));
    await lab.runClient();
    await lab.cluster.run(3000);
    await lab.sh("healthy", "touch /tmp/ready");
    await lab.routed("images", 1);
    const url = `http://${await lab.clusterIp("images")}/hostname`;

    const whileIll = (await lab.wget("client", url, 20)).join("");
    await lab.sh("ill", "touch /tmp/ready");
    await lab.routed("images", 2);
    const afterwards = (await lab.wget("client", url, 40)).join("");

    expect(whileIll).toBe("healthy".repeat(20));
    expect(afterwards).toContain("ill");
    expect(afterwards).toContain("healthy");
  }),
);

row(45, () =>
  inLab({}, async (lab) => {
    await lab.apply({
      ...imageService,
      metadata: { name: "payment" },
      spec: { ...imageService.spec, selector: { app: "payment" } },
    });
    const pod = await lab.runPod("one", "nginx", { labels: { app: "payment" } });
    await lab.routed("payment", 1);
    const relabel = (app: string | null) =>
      lab.do(
        lab.client.patch(
          pods,
          { namespace, name: "one" },
          { type: "merge", body: { metadata: { labels: { app } } } },
        ),
      );

    await relabel(null);
    await lab.routed("payment", 0);
    const without = await lab.endpointIps("payment");
    await relabel("payment");
    await lab.routed("payment", 1);

    expect(without).toEqual([]);
    expect(lab.routes("payment")).toEqual([pod.status.podIP]);
    expect((await lab.pod("one")).metadata.uid).toBe(pod.metadata.uid);
  }),
);

row(47, () =>
  inLab({ nodes: 1 }, async (lab) => {
    await lab.apply(imageService);
    const wrong = lab.client.create(services, {
      metadata: { name: "wrong", namespace },
      spec: { type: "Sometimes" as "ClusterIP", ports: [{ port: 80 }] },
    });

    expect((await lab.service("images")).spec.type).toBe("ClusterIP");
    await expect(lab.do(wrong)).rejects.toThrow(
      'spec.type: Unsupported value: "Sometimes": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
    );
  }),
);

row(62, () =>
  inLab({}, async (lab) => {
    await lab.applyWeb();
    const { clock } = lab.cluster;
    const beganMs = clock.monotonicMs();

    await lab.apply({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "new", labels: { app: "web" } },
      spec: { containers: [{ name: "nginx", image: "nginx" }], nodeName: "node-2" },
    });
    const nodeNames = (await lab.do(lab.client.list(nodes))).items.map(({ metadata }) => metadata.name);
    let ip: string | undefined;
    await lab.cluster.until(async () => {
      ip ??= (await lab.client.get(pods, { namespace, name: "new" })).status.podIP;
      return ip !== undefined && nodeNames.every((node) => lab.routes("web", node).includes(ip ?? ""));
    });

    expect(clock.monotonicMs() - beganMs).toBeLessThan(1000);
  }),
);

row(63, () =>
  inLab({}, async (lab) => {
    await lab.applyWeb();
    const seen: string[][] = [];
    const ended = new AbortController();
    const labelSelector = "kubernetes.io/service-name=web";
    const { metadata } = await lab.do(lab.client.list(endpointSlices, { namespace, labelSelector }));
    const watching = (async () => {
      const options = { namespace, labelSelector, resourceVersion: metadata.resourceVersion ?? "" };
      for await (const { object } of lab.client.watch(endpointSlices, { ...options, signal: ended.signal }))
        seen.push(
          (object as { endpoints?: { addresses: string[]; conditions?: { ready?: boolean } }[] }).endpoints
            ?.filter(({ conditions }) => conditions?.ready)
            .flatMap(({ addresses }) => addresses) ?? [],
        );
    })().catch(() => {});
    const [victim] = await lab.pods("app=web");
    const ip = victim?.status.podIP ?? "";

    await lab.kill(victim?.metadata.name ?? "");
    await lab.routed("web", 3, [ip]);
    ended.abort(new Error("seen enough"));
    await lab.do(watching);

    expect(seen.some((ips) => ips.length === 2 && !ips.includes(ip))).toBe(true);
    expect(seen.at(-1)).toHaveLength(3);
    expect(seen.at(-1)).not.toContain(ip);
  }),
);
