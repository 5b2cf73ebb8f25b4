import { type Deployment, deployments } from "../../machinery/api/apps-v1.js";
import { toTime } from "../../machinery/api/clock.js";
import { type Pod, pods, type Service, services } from "../../machinery/api/core-v1.js";
import type { RestClient } from "../../machinery/client/rest-client.js";

const GATE = "bench.kubesim.dev/open";
const CONTAINERS = [{ name: "pause", image: "registry.k8s.io/pause:3.10" }];

const nameOf = (key: string): { namespace: string; name: string } => {
  const [namespace = "", name = ""] = key.split("/");
  return { namespace, name };
};

/** A Service that selects the label `app` of its own name. */
export function createService(client: RestClient, key: string): Promise<Service> {
  const at = nameOf(key);
  const spec = { selector: { app: at.name }, ports: [{ port: 80, targetPort: 80 }] };
  return client.create(services, { metadata: at, spec: spec as unknown as Service["spec"] });
}

/** A pod that is ready when its gate is open, and only then. */
export function createGatedPod(client: RestClient, key: string): Promise<Pod> {
  const at = nameOf(key);
  const spec = { readinessGates: [{ conditionType: GATE }], containers: CONTAINERS };
  return client.create(pods, {
    metadata: { ...at, labels: { app: at.name } },
    spec: spec as unknown as Pod["spec"],
  });
}

export async function openGate(client: RestClient, key: string, open: boolean): Promise<void> {
  const condition = { type: GATE, status: open ? "True" : "False", lastTransitionTime: toTime(Date.now()) };
  const body = { status: { conditions: [condition] } };
  await client.patch(pods, nameOf(key), { type: "strategic", body }, { subresource: "status" });
}

/** A Deployment of so many pods behind the Service. */
export function scaleUpBehind(client: RestClient, key: string, replicas: number): Promise<Deployment> {
  const at = nameOf(key);
  const labels = { app: at.name };
  const spec = {
    replicas,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: CONTAINERS } },
  };
  return client.create(deployments, { metadata: at, spec: spec as unknown as Deployment["spec"] });
}
