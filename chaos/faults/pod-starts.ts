import type { Fault, ParameterSpec } from "../fault.js";
import { definePointFault, given } from "../point-fault.js";
import { chooseNodes } from "../targets.js";

const image: ParameterSpec = { type: "text", help: "as it is written in pods, or with *", default: "*" };

const kinds = [
  {
    name: "slow-start",
    summary: "containers on nodes start late: their pods stay in ContainerCreating",
    point: "slow-start",
    parameters: { delay: { type: "duration", help: "of each start" } as ParameterSpec, image },
    toPoint: ({ delay }: Record<string, unknown>) => ({ delayMs: delay }),
  },
  {
    name: "image-pull-fail",
    summary:
      "the registry does not answer nodes: ErrImagePull for images that are not there, or that are always pulled",
    point: "image-pull",
    parameters: { image },
    toPoint: () => ({}),
  },
] as const;

/** Containers that cannot begin. */
export const podStartFaults: readonly Fault[] = kinds.map(({ name, summary, point, parameters, toPoint }) =>
  definePointFault({
    name,
    summary,
    layer: "pod",
    targets: "nodes",
    parameters,
    async choose(context, { target, parameters: values }) {
      const nodes = (await chooseNodes(context, target)).map(({ metadata }) => metadata.name);
      if (nodes.length === 0) return undefined;
      const lease = given({ ...toPoint(values), image: values.image, nodes });
      return { leases: [{ component: "kubelet" as const, point, parameters: lease }], hits: nodes };
    },
  }),
);
