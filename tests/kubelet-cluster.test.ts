import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { deployments } from "../machinery/api/apps-v1.js";
import { leases } from "../machinery/api/coordination-v1.js";
import { type Node, nodes, type Pod, pods } from "../machinery/api/core-v1.js";
import { type MessageStream, readBody } from "../machinery/api/http.js";
import { HOST_PORTS_ANNOTATION, parseHostPorts } from "../machinery/network/host-ports.js";
import { KubeletCluster } from "./testkit/kubelet-cluster.js";

let cluster: KubeletCluster;
beforeAll(async () => {
  cluster = await KubeletCluster.start(3);
  await cluster.until(async () => {
    const list = (await cluster.client.list(nodes)).items;
    return list.length === 3 && list.every(isReady);
  });
});
afterAll(() => cluster.stop());

const isReady = (object: Node | Pod): boolean =>
  (object.status.conditions ?? []).some(({ type, status }) => type === "Ready" && status === "True");

const podsOf = async (app: string): Promise<Pod[]> =>
  (await cluster.client.list(pods, { namespace: "default", labelSelector: `app=${app}` })).items;

const deploy = (name: string, replicas: number) =>
  cluster.settle(
    cluster.client.create(deployments, {
      metadata: { name, namespace: "default" },
      spec: {
        replicas,
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels: { app: name } },
          spec: { containers: [{ name: "web", image: "nginx" }] },
        },
      },
    }),
  );

test("nodes register with address, capacity, pod range and a lease", async () => {
  const node = await cluster.settle(cluster.client.get(nodes, { name: "node-2" }));
  expect(node.spec.podCIDR).toMatch(/^10\.244\.\d+\.0\/24$/);
  expect(node.status.addresses).toEqual([
    { type: "InternalIP", address: "172.18.0.4" },
    { type: "InternalIP", address: "fd00:172:18::4" },
    { type: "Hostname", address: "node-2" },
  ]);
  expect(node.status.allocatable).toMatchObject({ cpu: "4", memory: "8Gi", pods: "110" });
  expect(node.status.conditions?.find(({ type }) => type === "Ready")).toMatchObject({
    reason: "KubeletReady",
    message: "kubelet is posting ready status",
  });
  const lease = await cluster.settle(
    cluster.client.get(leases, { namespace: "kube-node-lease", name: "node-2" }),
  );
  expect(lease.spec.holderIdentity).toBe("node-2");
});

test("a Deployment's pods become Ready on the nodes, each with an address of its node's range", async () => {
  await deploy("web", 6);
  const startedMs = cluster.clock.monotonicMs();
  await cluster.until(async () => {
    const list = await podsOf("web");
    return list.length === 6 && list.every(isReady);
  });
  expect(cluster.clock.monotonicMs() - startedMs).toBeLessThan(2000);
  const list = await cluster.settle(podsOf("web"));
  expect(new Set(list.map(({ status }) => status.podIP)).size).toBe(6);
  expect(new Set(list.map(({ spec }) => spec.nodeName)).size).toBe(3);
});

test("a pod has an address of each family, and its host ports are in its node's annotation while it runs", async () => {
  const ports = [{ containerPort: 80, hostPort: 8080, protocol: "TCP" as const }];
  const spec = { containers: [{ name: "web", image: "nginx", ports }] };
  await cluster.settle(
    cluster.client.create(pods, { metadata: { name: "edge", namespace: "default" }, spec }),
  );
  const edge = (): Promise<Pod> => cluster.client.get(pods, { namespace: "default", name: "edge" });
  await cluster.until(async () => isReady(await edge()));
  const { status, spec: placed } = await cluster.settle(edge());
  const [ipv4, ipv6] = status.podIPs ?? [];
  expect(ipv4?.ip).toMatch(/^10\.244\.\d+\.\d+$/);
  expect(ipv6?.ip).toMatch(/^fd00:10:244:/);
  expect(status.podIP).toBe(ipv4?.ip);
  expect(status.hostIPs?.map(({ ip }) => ip)).toEqual([
    status.hostIP,
    status.hostIP?.replace("172.18.0.", "fd00:172:18::"),
  ]);

  const published = async () => {
    const node = await cluster.client.get(nodes, { name: placed.nodeName ?? "" });
    return parseHostPorts(node.metadata.annotations?.[HOST_PORTS_ANNOTATION]);
  };
  const mapping = { pod: "default/edge", protocol: "TCP", hostIP: "", hostPort: 8080, podPort: 80 };
  await cluster.until(async () => (await published()).length > 0);
  expect(await cluster.settle(published())).toEqual([{ ...mapping, podIPs: [ipv4?.ip, ipv6?.ip] }]);
  await cluster.settle(cluster.client.delete(pods, { namespace: "default", name: "edge" }));
  await cluster.until(async () => (await published()).length === 0);
});

test("a node that crashes and comes back runs its pods in new sandboxes with new addresses", async () => {
  const victim = (await cluster.settle(podsOf("web"))).find(({ spec }) => spec.nodeName === "node-1");
  cluster.host.crash("node-1");
  await cluster.scheduler.run(5000);
  cluster.host.restart("node-1");
  const again = async (): Promise<Pod | undefined> =>
    (await podsOf("web")).find(({ metadata }) => metadata.uid === victim?.metadata.uid);
  await cluster.until(async () => (await again())?.status.containerStatuses?.[0]?.restartCount === 1);
  await cluster.until(async () => isReady((await again()) as Pod));
  expect((await cluster.settle(again()))?.status.podIP).toMatch(/^10\.244\./);
});

test("deleting a pod ends it and its ReplicaSet makes another", async () => {
  const [victim] = await cluster.settle(podsOf("web"));
  await cluster.settle(
    cluster.client.delete(pods, { namespace: "default", name: victim?.metadata.name ?? "" }),
  );
  await cluster.until(async () => {
    const list = await podsOf("web");
    return (
      list.length === 6 &&
      list.every(isReady) &&
      list.every(({ metadata }) => metadata.uid !== victim?.metadata.uid)
    );
  });
});

/** `kubectl run NAME --rm -i --restart=Never --image=busybox -- sh -c SCRIPT`, as the wire sees it. */
async function runInteractive(name: string, script: string, input: string): Promise<string> {
  const at = { namespace: "default", name };
  const container = {
    name,
    image: "busybox:1.36",
    stdin: true,
    stdinOnce: true,
    command: ["sh", "-c", script],
  };
  await cluster.settle(
    cluster.client.create(pods, {
      metadata: at,
      spec: { restartPolicy: "Never", containers: [container] },
    }),
  );
  const phaseIs = (wanted: readonly string[]) => (): boolean =>
    wanted.includes(cluster.server.store(pods).find(at)?.status.phase ?? "");
  await cluster.until(phaseIs(["Running", "Succeeded", "Failed"]));
  const path = `/api/v1/namespaces/default/pods/${name}/attach?stdin=true&stdout=true&stderr=true`;
  const output = await cluster.settle(
    cluster.client
      .upgrade(path, ["v5.channel.k8s.io"])
      .then(({ stream }) => converse(stream, input))
      .catch(() => logOf(name)),
  );
  await cluster.until(phaseIs(["Succeeded", "Failed"]));
  await cluster.settle(cluster.client.delete(pods, at));
  return output;
}

async function converse(stream: MessageStream, input: string): Promise<string> {
  if (input) await stream.write(Buffer.concat([Buffer.from([0]), Buffer.from(input)]));
  await stream.write(new Uint8Array([255, 0]));
  const chunks: Uint8Array[] = [];
  let status = "";
  for (let message = await stream.read(); message; message = await stream.read()) {
    if (message[0] === 1) chunks.push(message.subarray(1));
    if (message[0] === 3) status += Buffer.from(message.subarray(1)).toString();
  }
  expect(JSON.parse(status)).toMatchObject({ status: "Success" });
  return Buffer.concat(chunks).toString();
}

async function logOf(name: string): Promise<string> {
  const answer = await cluster.client.request({
    method: "GET",
    path: `/api/v1/namespaces/default/pods/${name}/log`,
  });
  return Buffer.from(await readBody(answer.body)).toString();
}

test("two hundred interactive runs lose and double no byte", async () => {
  for (let run = 0; run < 200; run++) {
    const script = run % 2 ? `echo run ${run}` : `echo before; cat; echo run ${run}`;
    const output = await runInteractive(`run-${run}`, script, "typed\n");
    expect(output).toBe(run % 2 ? `run ${run}\n` : `before\ntyped\nrun ${run}\n`);
  }
}, 60_000);
