import { runInPod } from "../../chaos/pod-command.js";
import type { ManifestSource } from "../../chaos/scenario/types.js";
import { type ManifestDocument, readManifests } from "../../cli/manifests.js";
import { type Deployment, deployments } from "../../machinery/api/apps-v1.js";
import { endpoints, type Pod, pods, type Service, services } from "../../machinery/api/core-v1.js";
import { type Endpoint, endpointSlices } from "../../machinery/api/discovery-v1.js";
import { readBody } from "../../machinery/api/http.js";
import type { RestClient } from "../../machinery/client/rest-client.js";
import { HOST_IP } from "../../proxy-sim/dataplane/data-plane.js";
import type { FlowRecord } from "../../proxy-sim/dataplane/flow-log.js";
import { simulatedAccess } from "../../simulation/cluster-access.js";
import { SimulatedCluster, type SimulationOptions } from "../../simulation/cluster.js";

const namespace = "default";
const DNS = "manifests/system/coredns.yaml";

/** The founding documents' manifests, as they stand in the repository. */
export const EXAMPLES = {
  deployment: "manifests/examples/01-deployment-web.yaml",
  clusterIp: "manifests/examples/02-service-clusterip.yaml",
  nodePort: "manifests/examples/03-service-nodeport.yaml",
  pythonClusterIp: "manifests/examples/04-service-python-clusterip.yaml",
  pythonNodePort: "manifests/examples/05-service-python-nodeport.yaml",
  pythonLoadBalancer: "manifests/examples/06-service-python-loadbalancer.yaml",
  pythonExternalName: "manifests/examples/07-service-python-externalname.yaml",
  groups: "manifests/examples/08-deployment-and-service.yaml",
  ingress: "manifests/examples/09-ingress.yaml",
  frontEnd: "manifests/examples/10-front-end.yaml",
} as const;

/** The simulated cluster as rows of the checklist use it. */
export class Lab {
  readonly cluster: SimulatedCluster;
  readonly #signal = new AbortController().signal;

  constructor(cluster: SimulatedCluster) {
    this.cluster = cluster;
  }

  get client(): RestClient {
    return this.cluster.client;
  }

  do<T>(operation: Promise<T>): Promise<T> {
    return this.cluster.settle(operation);
  }

  /** Files of the repository, verbatim, or objects. */
  async apply(...manifests: ManifestSource[]): Promise<void> {
    const files = new Map<string, readonly ManifestDocument[]>();
    for (const source of manifests)
      if (typeof source === "string") files.set(source, readManifests([source]));
    await this.do(simulatedAccess(this.cluster, files).apply(manifests, this.#signal));
  }

  /** The Deployment and its ClusterIP Service, ready in every node's table. */
  async applyWeb(...more: ManifestSource[]): Promise<void> {
    await this.apply(EXAMPLES.deployment, EXAMPLES.clusterIp, ...more);
    await this.routed("web", 3);
  }

  /** Cluster DNS, ready. */
  async applyDns(): Promise<void> {
    await this.apply(DNS);
    await this.available("coredns", "kube-system");
    await this.cluster.run(1000);
  }

  async available(name: string, at = namespace): Promise<void> {
    const isAvailable = ({ spec, status, metadata }: Deployment): boolean =>
      status.observedGeneration === metadata.generation &&
      status.replicas === spec.replicas &&
      status.updatedReplicas === spec.replicas &&
      status.availableReplicas === spec.replicas;
    await this.cluster.until(
      async () => isAvailable(await this.client.get(deployments, { namespace: at, name })),
      120_000,
      `deployment ${name} being available`,
    );
  }

  /** Ready endpoints of a service port in one node's table. */
  routes(servicePort: string, node = "node-1"): string[] {
    const kernel = this.cluster.dataPlane.router.kernel(node);
    const backends = kernel?.table.get(`${namespace}/${servicePort}`)?.route.backends ?? [];
    return backends
      .filter(({ ready }) => ready)
      .map(({ ip }) => ip)
      .sort();
  }

  /** Waits until every node routes the service port to so many ready endpoints, all of the same pods. */
  async routed(servicePort: string, count: number, without: readonly string[] = []): Promise<void> {
    const nodeNames = [...this.cluster.dataPlane.router.kernels()].map(({ name }) => name);
    await this.cluster.until(
      () =>
        nodeNames.every((node) => {
          const ips = this.routes(servicePort, node);
          return ips.length === count && !ips.some((ip) => without.includes(ip));
        }),
      120_000,
      `${count} endpoints of ${servicePort} in every table`,
    );
    await this.cluster.run(200);
  }

  /** Pods that are not on their way out, by name. */
  async pods(labelSelector: string, at = namespace): Promise<Pod[]> {
    const { items } = await this.do(this.client.list(pods, { namespace: at, labelSelector }));
    return items.filter(({ metadata }) => !metadata.deletionTimestamp);
  }

  async pod(name: string): Promise<Pod> {
    return this.do(this.client.get(pods, { namespace, name }));
  }

  /** kubectl delete pod --now. */
  async kill(name: string): Promise<void> {
    await this.do(this.client.delete(pods, { namespace, name }, { gracePeriodSeconds: 1 }));
  }

  async service(name: string): Promise<Service> {
    return this.do(this.client.get(services, { namespace, name }));
  }

  async clusterIp(name: string): Promise<string> {
    return (await this.service(name)).spec.clusterIP ?? "";
  }

  /** Of all the slices of a Service. */
  async endpointsOf(name: string): Promise<Endpoint[]> {
    const labelSelector = `kubernetes.io/service-name=${name}`;
    const { items } = await this.do(this.client.list(endpointSlices, { namespace, labelSelector }));
    return items.filter(({ addressType }) => addressType === "IPv4").flatMap((slice) => slice.endpoints);
  }

  /** The IPs in the Endpoints object. */
  async endpointIps(name: string): Promise<string[]> {
    const found = await this.do(this.client.get(endpoints, { namespace, name }));
    return (found.subsets ?? []).flatMap(({ addresses = [] }) => addresses.map(({ ip }) => ip)).sort();
  }

  /** A running pod. */
  async runPod(name: string, image: string, more: Record<string, unknown> = {}): Promise<Pod> {
    const { labels, container, ...spec } = more;
    await this.apply({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, ...(labels ? { labels } : {}) },
      spec: { containers: [{ name: "main", image, ...(container as object) }], ...spec },
    });
    await this.ready(name);
    return this.pod(name);
  }

  /** A busybox pod to call from. */
  runClient(name = "client", more: Record<string, unknown> = {}): Promise<Pod> {
    return this.runPod(name, "busybox:1.36", { container: { command: ["sleep", "1000000"] }, ...more });
  }

  async ready(name: string): Promise<void> {
    await this.cluster.until(
      async () => {
        const { status } = await this.client.get(pods, { namespace, name });
        return status.conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? false;
      },
      60_000,
      `pod ${name} being ready`,
    );
  }

  /** What a pod has printed. */
  async logs(pod: string): Promise<string[]> {
    const path = `/api/v1/namespaces/${namespace}/pods/${pod}/log`;
    const { body } = await this.do(this.client.request({ method: "GET", path }));
    return Buffer.from(await this.do(readBody(body)))
      .toString("utf8")
      .split("\n")
      .filter((line) => line !== "");
  }

  /** Runs a script in a pod, as kubectl exec does. */
  async sh(pod: string, script: string, container?: string): Promise<{ exitCode: number; output: string }> {
    const command = ["sh", "-c", script];
    return this.do(
      runInPod(
        this.client,
        { namespace, pod, command, ...(container === undefined ? {} : { container }) },
        this.#signal,
      ),
    );
  }

  /** `times` requests from a pod, each on a connection of its own; what each answered, `failed` where none came. */
  async wget(pod: string, url: string, times = 1): Promise<string[]> {
    const { output } = await this.sh(
      pod,
      `for i in $(seq ${times}); do wget -qO- -T 2 ${url} || echo failed; done`,
    );
    return output.split("\n").filter((line) => line !== "");
  }

  /** What this machine gets from a port of the first node: the answer's body, or why there was none. */
  async fromHost(nodePort: number, path = "/"): Promise<string> {
    const { body, error } = await this.do(
      simulatedAccess(this.cluster, new Map()).requestFromHost({
        nodePort,
        method: "GET",
        path,
        headers: {},
        timeoutMs: 5000,
        keepAlive: false,
        bodyBytes: 65_536,
      }),
    );
    return error ?? body ?? "";
  }

  /** Whether a connection from outside that enters at a node's address opens. */
  async opensFromOutside(node: string, to: { ip: string; port: number }): Promise<FlowRecord["outcome"]> {
    const from = { ip: HOST_IP, port: 40_000 };
    const packet = { protocol: "TCP", from, to, enteredAt: node } as const;
    try {
      const { connection, record } = await this.do(this.cluster.dataPlane.open(packet));
      connection.end();
      return record.outcome;
    } catch {
      return this.cluster.flows().at(-1)?.outcome ?? "unreachable";
    }
  }

  /** Flows to a service port that reached a pod. */
  flows(servicePort: string): FlowRecord[] {
    return this.cluster.flows().filter((flow) => flow.servicePort === `${namespace}/${servicePort}`);
  }

  /** How many flows to the service port each pod got, after `sinceId`. */
  shares(servicePort: string, sinceId = 0): Map<string, number> {
    const shares = new Map<string, number>();
    for (const { pod, id } of this.flows(servicePort))
      if (pod !== undefined && id > sinceId) shares.set(pod, (shares.get(pod) ?? 0) + 1);
    return shares;
  }

  get newestFlow(): number {
    return Math.max(0, ...this.cluster.flows().map(({ id }) => id));
  }
}

/** Runs a body in a simulated cluster of its own, and ends it. */
export async function inLab(
  options: Partial<SimulationOptions>,
  body: (lab: Lab) => Promise<void>,
): Promise<void> {
  const cluster = await SimulatedCluster.start({ seed: "checklist", ...options });
  try {
    await body(new Lab(cluster));
  } finally {
    await cluster.stop();
  }
}
