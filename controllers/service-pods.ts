import { type Node, nodes, type Pod, pods, type Service, services } from "../machinery/api/core-v1.js";
import type { DeepReadonly } from "../machinery/api/meta-v1.js";
import { type ObjectKey, objectKey } from "../machinery/api/resource.js";
import type { Informer } from "../machinery/client/informer.js";
import { type ControllerDeps, enqueueMapped, type Watch } from "./controller.js";
import { indexByNode, podsOnNode } from "./node-pods.js";
import { type CachedPod, isPodFinished, isPodReady } from "./pod-state.js";
import { selectsLabels } from "./selector-cache.js";

export type CachedService = DeepReadonly<Service>;

const BY_LABEL = "label";
const BY_SELECTOR = "selector";

/** Finds the pods of a service, and the services of a pod, without walking the namespace. */
export class ServicePods {
  readonly #pods: Informer<Pod>;
  readonly #services: Informer<Service>;

  constructor(deps: Pick<ControllerDeps, "informer">) {
    this.#pods = deps.informer(pods);
    this.#services = deps.informer(services);
    indexByNode(this.#pods);
    this.#pods.addIndex(BY_LABEL, ({ metadata }) =>
      Object.entries(metadata.labels ?? {}).map(([key, value]) => bucket(metadata.namespace, key, value)),
    );
    this.#services.addIndex(BY_SELECTOR, ({ metadata, spec }) => {
      // One pair is enough to find it; the smallest, so that the choice does not depend on order.
      const [first] = sortedPairs({ spec });
      return first ? [bucket(metadata.namespace, ...first)] : [];
    });
  }

  podsOf(service: CachedService): CachedPod[] {
    const { namespace } = service.metadata;
    const [first, ...others] = sortedPairs(service);
    if (!first) return [];
    const pods = this.#pods.byIndex(BY_LABEL, bucket(namespace, ...first));
    if (others.length === 0) return pods;
    return pods.filter(({ metadata }) => others.every(([key, value]) => metadata.labels?.[key] === value));
  }

  servicesOf(pod: CachedPod): ObjectKey[] {
    const keys: ObjectKey[] = [];
    for (const [key, value] of Object.entries(pod.metadata.labels ?? {})) {
      for (const service of this.#services.byIndex(BY_SELECTOR, bucket(pod.metadata.namespace, key, value))) {
        if (selectsLabels(service.spec.selector, pod.metadata.labels)) keys.push(objectKey(service));
      }
    }
    return keys;
  }
}

const sortedPairs = ({ spec }: Pick<CachedService, "spec">): [string, string][] =>
  Object.entries(spec.selector ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));

const bucket = (namespace: string | undefined, key: string, value: string): string =>
  `${namespace}\n${key}=${value}`;

/** Services with pods on a node whose appearance, or zone, their endpoints wait for. */
export const enqueueServicesOfNode = (): Watch =>
  enqueueMapped(
    nodes,
    (node, deps) => {
      const servicePods = new ServicePods(deps);
      const onNode = podsOnNode(deps.informer(pods), node.metadata.name);
      return new Set(onNode.flatMap((pod) => servicePods.servicesOf(pod)));
    },
    (old, node) => zoneOf(old) !== zoneOf(node),
  );

const zoneOf = ({ metadata }: DeepReadonly<Node>): string | undefined =>
  metadata.labels?.["topology.kubernetes.io/zone"];

/** Services whose endpoints a changed pod may change. */
export const enqueueServicesOfPod = (): Watch =>
  enqueueMapped(pods, (pod, deps) => new ServicePods(deps).servicesOf(pod), podEndpointChanged);

// Upstream: staging/src/k8s.io/endpointslice/util podEndpointsChanged.
/** Whether the change can show in any endpoint. */
export function podEndpointChanged(old: CachedPod, pod: CachedPod): boolean {
  return (
    isPodReady(old) !== isPodReady(pod) ||
    isPodFinished(old) !== isPodFinished(pod) ||
    old.metadata.deletionTimestamp !== pod.metadata.deletionTimestamp ||
    old.spec.nodeName !== pod.spec.nodeName ||
    old.spec.hostname !== pod.spec.hostname ||
    old.status.podIP !== pod.status.podIP ||
    JSON.stringify(old.status.podIPs) !== JSON.stringify(pod.status.podIPs) ||
    JSON.stringify(old.metadata.labels) !== JSON.stringify(pod.metadata.labels)
  );
}

// Upstream: staging/src/k8s.io/endpointslice/util ShouldPodBeInEndpoints.
export function belongsInEndpoints(pod: CachedPod, includeTerminating: boolean): boolean {
  if (isPodFinished(pod)) return false;
  if (!pod.status.podIP && (pod.status.podIPs ?? []).length === 0) return false;
  return includeTerminating || pod.metadata.deletionTimestamp === undefined;
}

/** The container port behind a service port; undefined when the pod has none of that name (podutil.FindPort). */
export function targetPortOf(
  pod: CachedPod,
  port: { readonly targetPort: number | string; readonly protocol: string },
): number | undefined {
  if (typeof port.targetPort === "number") return port.targetPort;
  const sidecars = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  for (const container of [...pod.spec.containers, ...sidecars]) {
    for (const declared of container.ports ?? []) {
      if (declared.name === port.targetPort && declared.protocol === port.protocol) {
        return declared.containerPort;
      }
    }
  }
  return undefined;
}

/** A pod gives its hostname to the headless service that its subdomain names. */
export const hostnameIn = (pod: CachedPod, service: CachedService): string | undefined =>
  pod.spec.hostname && pod.spec.subdomain === service.metadata.name ? pod.spec.hostname : undefined;

export const isHeadless = (service: CachedService): boolean => service.spec.clusterIP === "None";
export const HEADLESS_LABEL = "service.kubernetes.io/headless";
export const TRIGGER_TIME_ANNOTATION = "endpoints.kubernetes.io/last-change-trigger-time";
