import { deployments, replicaSets } from "../machinery/api/apps-v1.js";
import { type Node, nodes, type Pod, pods, type Service, services } from "../machinery/api/core-v1.js";
import type { Deployment } from "../machinery/api/apps-v1.js";
import type { KubeObject } from "../machinery/api/meta-v1.js";
import type { ResourceDescriptor } from "../machinery/api/resource.js";
import { isNamed } from "../machinery/runtime/glob.js";
import type { ChoiceContext } from "./fault.js";
import type { Component } from "./reach.js";
import type { LinkEnd, TargetSpec } from "./scenario/types.js";

export const ZONE_LABEL = "topology.kubernetes.io/zone";

/**
 * The Pods that a target means, drawn by its mode among those that `concerns` lets pass: those that are going already are
 * left out, and the order of the draw does not depend on the order of the list. Empty when nothing matches.
 */
export async function choosePods(
  context: ChoiceContext,
  target: TargetSpec,
  concerns: (pod: Pod) => boolean = () => true,
): Promise<Pod[]> {
  return draw(context, target, (await matchingPods(context, target)).filter(concerns));
}

/** Every Pod of the target's namespace, in the order of names; those that are going are left out. */
export const podsBeside = (context: ChoiceContext, { namespace }: TargetSpec): Promise<Pod[]> =>
  matchingPods(context, { namespace });

/** Nodes by `name` or `node`, `selector` or `nodeSelector`, and `zone`, drawn by the mode. */
export async function chooseNodes(context: ChoiceContext, target: TargetSpec): Promise<Node[]> {
  return draw(context, target, await matchingNodes(context, target));
}

export async function chooseServices(context: ChoiceContext, target: TargetSpec): Promise<Service[]> {
  return draw(context, target, await matching(context, services, target));
}

export async function chooseDeployments(context: ChoiceContext, target: TargetSpec): Promise<Deployment[]> {
  return draw(context, target, await matching(context, deployments, target));
}

/** The component that a target names; the parser has made sure that it names one. Throws RangeError otherwise. */
export function chooseComponent(target: TargetSpec): Component {
  if (target.component === undefined) throw new RangeError("the target names no component");
  return target.component;
}

/** Both ends of links as addresses; an end that is absent is `undefined`: everything. */
export interface ChosenLinks {
  from?: string[];
  to?: string[];
  direction: TargetSpec["direction"];
}

/**
 * The addresses of both ends of the links that a target means. The mode draws among the hosts of `from`, each with all its
 * addresses; undefined when an end matches nothing.
 */
export async function chooseLinks(
  context: ChoiceContext,
  target: TargetSpec,
): Promise<ChosenLinks | undefined> {
  const from = target.from && draw(context, target, await hostsOf(context, target.from)).flat();
  const to = target.to && (await hostsOf(context, target.to)).flat();
  if (from?.length === 0 || to?.length === 0) return undefined;
  return { ...(from ? { from } : {}), ...(to ? { to } : {}), direction: target.direction };
}

/** Where the machine that runs scenarios is, seen from the virtual network. */
export const HOST_IP = "172.18.0.1";
const API_SERVER_IP = "172.18.0.2";

/**
 * The hosts of one end, each with its addresses (or a CIDR); a node with those of its pods. A component other than the API
 * server lives on every node.
 */
export async function hostsOf(context: ChoiceContext, end: LinkEnd): Promise<string[][]> {
  switch (end.kind) {
    case "host":
      return [[HOST_IP]];
    case "cidr":
      return end.cidr === undefined ? [] : [[end.cidr]];
    case "pods":
      return (await matchingPods(context, end)).map(podIPsOf).filter(({ length }) => length > 0);
    case "nodes":
      return (await matchingNodes(context, end)).map((node) => [
        ...internalIPs(node),
        ...(node.spec.podCIDRs ?? []),
      ]);
    case "component":
      if (end.component === "apiserver") return [[API_SERVER_IP]];
      return (await matchingNodes(context, { namespace: end.namespace })).map(internalIPs);
  }
}

const podIPsOf = ({ status }: Pod): string[] =>
  status.podIPs?.map(({ ip }) => ip) ?? (status.podIP ? [status.podIP] : []);

const internalIPs = ({ status }: Node): string[] =>
  (status.addresses ?? []).filter(({ type }) => type === "InternalIP").map(({ address }) => address);

type Narrowing = Pick<TargetSpec, "namespace"> & Partial<TargetSpec>;

async function matchingPods(context: ChoiceContext, target: Narrowing): Promise<Pod[]> {
  const found = await matching(context, pods, target);
  const onNodes = await nodeNames(context, target);
  const owned = await ownership(context, target);
  return found.filter(
    ({ metadata, spec, status }) =>
      (onNodes === undefined || onNodes.has(spec.nodeName ?? "")) &&
      (target.node === undefined || isNamed(target.node, spec.nodeName ?? "")) &&
      (target.phase === undefined || status.phase === target.phase) &&
      (owned === undefined || (metadata.ownerReferences ?? []).some(({ uid }) => owned.has(uid))),
  );
}

async function matchingNodes(context: ChoiceContext, target: Narrowing): Promise<Node[]> {
  const { node, name, selector, nodeSelector, zone } = target;
  const labels = [selector, nodeSelector, zone === undefined ? undefined : `${ZONE_LABEL}=${zone}`];
  const joined = labels.filter((text) => text !== undefined).join(",");
  const named = name ?? node;
  const found = await matching(context, nodes, {
    ...target,
    ...(joined ? { selector: joined } : {}),
    ...(named === undefined ? {} : { name: named }),
  });
  if (target.owner === undefined) return found;
  const { namespace, owner } = target;
  const running = new Set(
    (await matchingPods(context, { namespace, owner })).map(({ spec }) => spec.nodeName),
  );
  return found.filter(({ metadata }) => running.has(metadata.name));
}

/** By namespace, selectors, name, age and `exclude`, in the order of names; what is being deleted is left out. */
async function matching<T extends KubeObject>(
  { client, clock }: ChoiceContext,
  descriptor: ResourceDescriptor<T>,
  target: Narrowing,
): Promise<T[]> {
  const { items } = await client.list(descriptor, {
    ...(descriptor.namespaced && target.namespace !== "*" ? { namespace: target.namespace } : {}),
    ...(target.selector === undefined ? {} : { labelSelector: target.selector }),
    ...(target.fieldSelector === undefined ? {} : { fieldSelector: target.fieldSelector }),
  });
  const youngestMs = clock.nowMs() - (target.minAgeMs ?? 0);
  return items
    .filter(
      ({ metadata }) =>
        !metadata.deletionTimestamp &&
        (target.name === undefined || isNamed(target.name, metadata.name)) &&
        !(target.exclude ?? []).some((pattern) => isNamed(pattern, metadata.name)) &&
        (target.minAgeMs === undefined || Date.parse(metadata.creationTimestamp ?? "") <= youngestMs),
    )
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

const keyOf = ({ metadata }: KubeObject): string => `${metadata.namespace ?? ""}/${metadata.name}`;

async function nodeNames(context: ChoiceContext, target: Narrowing): Promise<Set<string> | undefined> {
  const { zone, nodeSelector } = target;
  if (zone === undefined && nodeSelector === undefined) return undefined;
  const found = await matchingNodes(context, {
    namespace: "*",
    ...(zone === undefined ? {} : { zone }),
    ...(nodeSelector === undefined ? {} : { nodeSelector }),
  });
  return new Set(found.map(({ metadata }) => metadata.name));
}

/** UIDs of which one must own the pod: the owner's own, and a Deployment's ReplicaSets'. */
async function ownership(context: ChoiceContext, target: Narrowing): Promise<Set<string> | undefined> {
  if (target.owner === undefined) return undefined;
  const [kind = "", name = ""] = target.owner.split("/");
  const namespace = target.namespace === "*" ? {} : { namespace: target.namespace };
  const sets = (await context.client.list(replicaSets, namespace)).items;
  if (/^(replicasets?|rs)$/i.test(kind)) {
    return new Set(sets.filter(({ metadata }) => metadata.name === name).map(({ metadata }) => metadata.uid));
  }
  const owners = (await context.client.list(deployments, namespace)).items
    .filter(({ metadata }) => metadata.name === name)
    .map(({ metadata }) => metadata.uid);
  return new Set(
    sets
      .filter(({ metadata }) => (metadata.ownerReferences ?? []).some(({ uid }) => owners.includes(uid)))
      .map(({ metadata }) => metadata.uid),
  );
}

/** What the mode takes of what matches. */
export function draw<T>(
  { rng }: Pick<ChoiceContext, "rng">,
  { mode, count, percent }: Pick<TargetSpec, "mode" | "count" | "percent">,
  found: readonly T[],
): T[] {
  const shuffled = rng.shuffle([...found]);
  const most = Math.ceil((found.length * percent) / 100);
  switch (mode) {
    case "all":
      return [...found];
    case "one":
      return shuffled.slice(0, 1);
    case "count":
      return shuffled.slice(0, count);
    case "percent":
      return shuffled.slice(0, most);
    case "random-max-percent":
      return found.length === 0 ? [] : shuffled.slice(0, rng.fork("how-many").int(1, Math.max(1, most)));
  }
}
