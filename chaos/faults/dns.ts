import type { Pod } from "../../machinery/api/core-v1.js";
import type { ChoiceContext, Fault, ParameterSpec } from "../fault.js";
import { definePointFault, given } from "../point-fault.js";
import type { TargetSpec } from "../scenario/types.js";
import { choosePods } from "../targets.js";

interface DnsKind {
  name: string;
  summary: string;
  parameters?: Record<string, ParameterSpec>;
  /** One of the kubelet process: what a server says, or what it hears of the API server. */
  point: "dns" | "watch" | "api-link";
  toPoint: (parameters: Record<string, unknown>) => Record<string, unknown>;
}

const names: ParameterSpec = {
  type: "texts",
  help: "that are asked for, with * for any text: web.default.svc.cluster.local; absent: all",
  optional: true,
};

const kinds: readonly DnsKind[] = [
  {
    name: "dns-nxdomain",
    summary: "cluster DNS says that names do not exist",
    point: "dns",
    parameters: { names },
    toPoint: (parameters) => ({ answer: "nxdomain", names: parameters.names }),
  },
  {
    name: "dns-servfail",
    summary: "cluster DNS answers SERVFAIL",
    point: "dns",
    parameters: { names },
    toPoint: (parameters) => ({ answer: "servfail", names: parameters.names }),
  },
  {
    name: "dns-random",
    summary: "cluster DNS answers questions for addresses with some address",
    point: "dns",
    parameters: { names },
    toPoint: (parameters) => ({ answer: "random", names: parameters.names }),
  },
  {
    name: "dns-truncated",
    summary: "cluster DNS cuts its answers over UDP off: who does not come again over TCP has none",
    point: "dns",
    parameters: { names },
    toPoint: (parameters) => ({ answer: "truncated", names: parameters.names }),
  },
  {
    name: "dns-delay",
    summary: "cluster DNS answers late; resolvers ask again after 5 s, and another server",
    point: "dns",
    parameters: { delay: { type: "duration", help: "of each answer" }, names },
    toPoint: (parameters) => ({ delayMs: parameters.delay, names: parameters.names }),
  },
  {
    name: "dns-stale",
    summary: "cluster DNS hears nothing more of the API server: its answers stay those of the beginning",
    point: "api-link",
    toPoint: () => ({ cut: "from" }),
  },
  {
    name: "dns-replica-behind",
    summary: "one replica of cluster DNS hears of changes later than the others",
    point: "watch",
    parameters: { lag: { type: "duration", help: "how late" } },
    toPoint: ({ lag }) => ({ lagMs: lag }),
  },
];

/** Without a selector, a name or an owner, the target means the pods of cluster DNS. */
export function chooseDnsPods(context: ChoiceContext, target: TargetSpec): Promise<Pod[]> {
  const { selector, name, owner } = target;
  const isNarrow = [selector, name, owner].some((text) => text !== undefined);
  return choosePods(
    context,
    isNarrow ? target : { ...target, namespace: "kube-system", selector: "k8s-app=kube-dns" },
  );
}

/** Name servers: without a target, those of cluster DNS; `mode: one` leaves the others right. */
export const dnsFaults: readonly Fault[] = kinds.map(({ name, summary, parameters, point, toPoint }) =>
  definePointFault({
    name,
    summary,
    layer: "dns",
    targets: "pods",
    otherwise: "the pods of cluster DNS",
    ...(parameters ? { parameters } : {}),
    async choose(context, spec) {
      const chosen = (await chooseDnsPods(context, spec.target)).map(({ metadata }) => metadata);
      if (chosen.length === 0) return undefined;
      const who =
        point === "dns"
          ? { pods: chosen.map((metadata) => metadata.name) }
          : { clients: chosen.map((metadata) => `pods/${metadata.namespace}/${metadata.name}`) };
      return {
        leases: [
          {
            component: "kubelet" as const,
            point,
            parameters: given({ ...toPoint(spec.parameters), ...who }),
          },
        ],
        hits: chosen.map((metadata) => `${metadata.namespace}/${metadata.name}`),
      };
    },
  }),
);
