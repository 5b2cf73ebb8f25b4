import { expect } from "@jest/globals";
import { HostCloud } from "../../controllers/service/host-cloud.js";
import { deployments } from "../../machinery/api/apps-v1.js";
import { endpoints, events, nodes, services } from "../../machinery/api/core-v1.js";
import { isNotFound } from "../../machinery/api/status.js";
import { readBody } from "../../machinery/api/http.js";
import { cidrContains } from "../../machinery/network/addresses.js";
import { readManifests } from "../../cli/manifests.js";
import { applyObject } from "../../cli/objects/apply.js";
import { builtInResource } from "../../cli/resource-for.js";
import { tableRows, type Table } from "../../cli/printers/table.js";
import { type ControlPlane, withControlPlane } from "../testkit/control-plane.js";
import { EXAMPLES, inLab, type Lab } from "./lab.js";
import { row } from "./row.js";

// The types of Services: what their manifests say, what they are given, who can use them.

const namespace = "default";

/** A program that listens on port 443, as the founding documents' pods do. */
const runPython = (lab: Lab) =>
  lab.runPod("pod-python", "python:3.12", {
    labels: { run: "pod-python" },
    container: { command: ["python", "-m", "http.server", "443"] },
  });

row(28, () =>
  inLab({}, async (lab) => {
    await lab.apply(EXAMPLES.pythonClusterIp);
    await runPython(lab);
    await lab.routed("service-python", 1);
    await lab.runClient();
    const { spec } = await lab.service("service-python");

    const { output } = await lab.sh("client", `wget -qO- http://${spec.clusterIP}:3000 | grep title`);

    expect(spec.ports).toEqual([{ port: 3000, protocol: "TCP", targetPort: 443 }]);
    expect(output).toContain("<title>Directory listing for /</title>");
  }),
);

const nodeIps = async (lab: Lab): Promise<Map<string, string>> => {
  const { items } = await lab.do(lab.client.list(nodes));
  return new Map(
    items.map(({ metadata, status }) => [metadata.name, status.addresses?.[0]?.address ?? ""] as const),
  );
};

row(30, () =>
  inLab({}, async (lab) => {
    await lab.applyWeb(EXAMPLES.nodePort);
    await lab.routed("web-nodeport", 3);
    await lab.runClient();

    for (const [node, ip] of await nodeIps(lab)) {
      const { output } = await lab.sh("client", `wget -qO- http://${ip}:30080 | grep title`);
      expect(output).toBe("<title>Welcome to nginx!</title>\n");
      expect(await lab.opensFromOutside(node, { ip, port: 30_080 })).toBe("open");
    }
    expect(await lab.fromHost(30_080)).toContain("<title>Welcome to nginx!</title>");
  }),
);

row(31, () =>
  inLab({ nodes: 1 }, async (lab) => {
    await lab.apply(EXAMPLES.nodePort);
    const create = (name: string, nodePort?: number) =>
      lab.do(
        lab.client.create(services, {
          metadata: { name, namespace },
          spec: { type: "NodePort", ports: [{ port: 80, ...(nodePort === undefined ? {} : { nodePort }) }] },
        }),
      );

    for (const outside of [29_999, 32_768])
      await expect(create("outside", outside)).rejects.toThrow(
        `Service "outside" is invalid: spec.ports[0].nodePort: Invalid value: ${outside}: provided port is not in the valid range. The range of valid ports is 30000-32767`,
      );
    await expect(create("duplicate", 30_080)).rejects.toThrow(
      'Service "duplicate" is invalid: spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated',
    );
    const [given] = (await create("absent")).spec.ports ?? [];
    expect(given?.nodePort).toBeGreaterThanOrEqual(30_000);
    expect(given?.nodePort).toBeLessThanOrEqual(32_767);
  }),
);

/** API server and controllers with the cloud that `up --cloud` has; its ports open nowhere. */
const withCloud = (body: (cluster: ControlPlane) => Promise<void>): Promise<void> => {
  const ready: { cloud?: HostCloud } = {};
  const cloud = {
    has: (key: string) => ready.cloud?.has(key) ?? false,
    ensure: (...args: Parameters<HostCloud["ensure"]>) => there(ready.cloud).ensure(...args),
    delete: (key: string) => there(ready.cloud).delete(key),
  };
  return withControlPlane(
    async (cluster) => {
      ready.cloud = new HostCloud({
        clock: cluster.clock,
        loopbackIndex: 7,
        lease: async function* (query, signal) {
          yield { actual: { ip: query.get("ip") ?? "", port: Number(query.get("port")) } };
          await cluster.clock.sleep(1e9, signal).catch(() => {});
        },
      });
      const [document] = readManifests([EXAMPLES.pythonLoadBalancer]);
      const { object } = there(document);
      const { client } = cluster;
      await cluster.settle(applyObject({ client, namespace }, builtInResource(object), object));
      await cluster.eventually(
        async () => (await balancer(cluster)).status.loadBalancer.ingress !== undefined,
      );
      await body(cluster);
    },
    { cloud },
  );
};
function there<T>(value: T | undefined): T {
  if (value === undefined) throw new RangeError("not there yet");
  return value;
}
const balancer = ({ client }: ControlPlane) =>
  client.get(services, { namespace, name: "service-python-loadbalancer" });

row(32, () =>
  withCloud(async (cluster) => {
    const { spec, status } = await cluster.settle(balancer(cluster));
    const { body } = await cluster.settle(
      cluster.client.request({
        method: "GET",
        path: "/api/v1/namespaces/default/services/service-python-loadbalancer",
        headers: { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" },
      }),
    );
    const table = JSON.parse(Buffer.from(await cluster.settle(readBody(body))).toString()) as Table;

    expect(status.loadBalancer.ingress).toEqual([{ ip: "127.7.1.1", ipMode: "VIP" }]);
    const options = {
      wide: false,
      withNamespace: false,
      noHeaders: true,
      showLabels: false,
      labelColumns: [],
    };
    const [[name, type, , externalIp, ports] = []] = tableRows(table, options);
    expect([name, type, externalIp, ports]).toEqual([
      "service-python-loadbalancer",
      "LoadBalancer",
      "127.7.1.1",
      "3000:30082/TCP",
    ]);
    expect(spec.ports?.[0]?.nodePort).toBe(30_082);
  }),
);

row(33, () =>
  withCloud(async (cluster) => {
    const aws = "service.beta.kubernetes.io/aws-load-balancer-";
    const { client } = cluster;
    const told = async (): Promise<string[]> =>
      (await client.list(events, { namespace })).items
        .filter(({ reason }) => reason === "LoadBalancerAnnotationIgnored")
        .map(({ message = "" }) => message);
    const kept = (await cluster.settle(balancer(cluster))).metadata.annotations;
    const before = await cluster.settle(told());
    const body = { metadata: { annotations: { [`${aws}internal`]: "true" } } };
    const at = { namespace, name: "service-python-loadbalancer" };

    await cluster.settle(client.patch(services, at, { type: "merge", body }));

    await cluster.eventually(async () => (await told()).length === 1, "the cloud telling what it read");
    expect(kept).toMatchObject({ [`${aws}type`]: "nlb", [`${aws}backend-protocol`]: "tcp" });
    expect(before).toEqual([]);
    expect(await cluster.settle(told())).toEqual([
      `annotation ${aws}internal: true has no effect on the balancers of this machine`,
    ]);
  }),
);

row(34, () =>
  inLab({ nodes: 1 }, async (lab) => {
    const name = "service-python-externalname";
    await lab.apply(EXAMPLES.pythonExternalName);
    await lab.cluster.run(5000);
    const { spec } = await lab.service(name);
    const object = await lab.do(
      lab.client.get(endpoints, { namespace, name }).then(() => "found", isNotFound),
    );

    expect(spec).toMatchObject({ type: "ExternalName", externalName: "remote.server.url.com" });
    expect([spec.clusterIP, spec.clusterIPs, spec.selector]).toEqual([undefined, undefined, undefined]);
    expect(object).toBe(true);
    expect(await lab.endpointsOf(name)).toEqual([]);
  }),
);

row(48, () =>
  inLab({ nodes: 4 }, async (lab) => {
    await lab.applyWeb(EXAMPLES.nodePort);
    await lab.do(
      lab.client.patch(
        deployments,
        { namespace, name: "web" },
        { type: "merge", body: { spec: { replicas: 1 } } },
      ),
    );
    await lab.routed("web-nodeport", 1);
    const [only] = await lab.pods("app=web");
    await lab.runClient();
    const without: string[] = [];

    for (const [node, ip] of await nodeIps(lab)) {
      if (node !== only?.spec.nodeName) without.push(node);
      const { output } = await lab.sh("client", `wget -qO- http://${ip}:30080 | grep title`);
      expect(output).toBe("<title>Welcome to nginx!</title>\n");
      expect(await lab.opensFromOutside(node, { ip, port: 30_080 })).toBe("open");
    }
    expect(without).toHaveLength(3);
  }),
);

row(51, () =>
  inLab({}, async (lab) => {
    await lab.apply(EXAMPLES.groups);
    await lab.available("order");
    await lab.available("payment");
    await lab.routed("order", 2);
    await lab.runClient();

    expect(
      readManifests([EXAMPLES.groups]).map(({ object }) => `${object.kind} ${object.metadata.name}`),
    ).toEqual(["Deployment order", "Service order", "Deployment payment", "Service payment"]);
    expect(await lab.wget("client", `http://${await lab.clusterIp("order")}`)).toEqual(["order"]);
  }),
);

row(60, () =>
  inLab({}, async (lab) => {
    await lab.applyWeb();
    const ip = await lab.clusterIp("web");
    for (const component of ["apiserver", "controllers", "proxy"] as const)
      await lab.do(lab.cluster.processes.kill(component));
    await lab.cluster.run(5000);
    await lab.cluster.until(() => lab.cluster.processes.of("apiserver").isReady);
    const afterRestart = await lab.clusterIp("web");
    await lab.do(lab.client.delete(services, { namespace, name: "web" }));
    const taken = lab.client.create(services, {
      metadata: { name: "heir", namespace },
      spec: { clusterIP: ip, ports: [{ port: 80 }] },
    });

    expect(cidrContains("10.96.0.0/12", ip)).toBe(true);
    expect(afterRestart).toBe(ip);
    // It was given back with the Service.
    expect((await lab.do(taken)).spec.clusterIP).toBe(ip);
  }),
);
