import type { Pod } from "../../machinery/api/core-v1.js";
import type { ChoiceContext, Fault } from "../fault.js";
import { definePointFault, given } from "../point-fault.js";
import type { TargetSpec } from "../scenario/types.js";
import { chooseNodes, choosePods, podsBeside } from "../targets.js";

const exhaustion = definePointFault({
  name: "ip-exhaustion",
  summary: "nodes have no address left: new pods wait with FailedCreatePodSandBox",
  layer: "pod",
  targets: "nodes",
  claims: ({ hits }) => hits.map((node) => `addresses of node/${node}`),
  async choose(context, { target }) {
    const nodes = (await chooseNodes(context, target)).map(({ metadata }) => metadata.name);
    if (nodes.length === 0) return undefined;
    const parameters = { nodes, exhausted: true };
    return { leases: [{ component: "kubelet", point: "addresses", parameters }], hits: nodes };
  },
});

const reuseStorm = definePointFault({
  name: "ip-reuse-storm",
  summary:
    "nodes give a freed address to the very next pod, and pods lose theirs together with one of another app beside them: each gets the other's",
  layer: "pod",
  targets: "pods",
  parameters: {
    every: { type: "duration", help: "once in so long; absent: once only", optional: true },
  },
  claims: ({ leases }) =>
    ((leases[0]?.parameters.nodes ?? []) as string[]).map((node) => `addresses of node/${node}`),
  async choose(context, { target, parameters }) {
    const pairs = await choosePairs(context, target, (a, b) => appOf(a) !== appOf(b));
    if (pairs.length === 0) return undefined;
    const pods = pairs.flat().map(({ metadata }) => metadata.uid);
    const nodes = [...new Set(pairs.map(([pod]) => pod.spec.nodeName ?? ""))];
    return {
      leases: [
        { component: "kubelet", point: "addresses", parameters: { nodes, reuse: "adversarial" } },
        {
          component: "kubelet",
          point: "sandbox-loss",
          parameters: given({ pods, everyMs: parameters.every }),
        },
      ],
      hits: pairs.map(([one, other]) => `${nameOf(one)} ↔ ${nameOf(other)}`),
    };
  },
});

const duplicate = definePointFault({
  name: "duplicate-ip",
  summary:
    "another pod of the same node gets the address of a pod that lives: packets go to whoever came last, until that one gets its own",
  layer: "pod",
  targets: "pods",
  claims: ({ hits }) => hits.map((pair) => `addresses of ${pair}`),
  async choose(context, { target }) {
    const pairs = await choosePairs(context, target, (owner, taker) => owner !== taker);
    return {
      leases: pairs.map(([owner, taker]) => ({
        component: "kubelet" as const,
        point: "duplicate-address",
        parameters: { owner: owner.metadata.uid, taker: taker.metadata.uid },
      })),
      hits: pairs.map(([owner, taker]) => `${nameOf(owner)} → ${nameOf(taker)}`),
    };
  },
});

/** Each pod that the target means with one beside it on its node; a pod is in one pair only. */
async function choosePairs(
  context: ChoiceContext,
  target: TargetSpec,
  fit: (pod: Pod, other: Pod) => boolean,
): Promise<[Pod, Pod][]> {
  const all = (await podsBeside(context, target)).filter(hasOwnAddress);
  const used = new Set<string>();
  const pairs: [Pod, Pod][] = [];
  const partnerOf = (pod: Pod): Pod | undefined =>
    all.find(
      (other) =>
        other.spec.nodeName === pod.spec.nodeName &&
        other.metadata.uid !== pod.metadata.uid &&
        !used.has(other.metadata.uid) &&
        fit(pod, other),
    );
  // Pods without a partner do not count, or one drawn pod might have none.
  const chosen = await choosePods(
    context,
    target,
    (pod) => hasOwnAddress(pod) && partnerOf(pod) !== undefined,
  );
  for (const pod of chosen) {
    const partner = used.has(pod.metadata.uid) ? undefined : partnerOf(pod);
    if (!partner) continue;
    used.add(pod.metadata.uid).add(partner.metadata.uid);
    pairs.push([pod, partner]);
  }
  return pairs;
}

const hasOwnAddress = ({ spec, status }: Pod): boolean =>
  !spec.hostNetwork && status.phase === "Running" && status.podIP !== undefined;

/** Pods of one controller are one app; with the template's hash in its name a ReplicaSet would be another at each rollout. */
function appOf({ metadata }: Pod): string {
  const hash = metadata.labels?.["pod-template-hash"];
  const owner = metadata.ownerReferences?.find(({ controller }) => controller);
  return owner ? `${owner.kind}/${owner.name.replace(`-${hash}`, "")}` : `Pod/${metadata.name}`;
}

const nameOf = ({ metadata }: Pod): string => `${metadata.namespace}/${metadata.name}`;

/** What can go wrong with the addresses of pods. `ip-churn` stands with the pods. */
export const podAddressFaults: readonly Fault[] = [reuseStorm, exhaustion, duplicate];
