import type { Fault, ParameterSpec } from "../fault.js";
import { definePointFault, given } from "../point-fault.js";
import { type ChosenLinks, chooseLinks } from "../targets.js";

interface LinkKind {
  name: string;
  summary: string;
  parameters: Record<string, ParameterSpec>;
  toPoint: (parameters: Record<string, unknown>) => Record<string, unknown>;
}

const share = (help: string): ParameterSpec => ({ type: "percent", help });

const kinds: readonly LinkKind[] = [
  {
    name: "link-delay",
    summary: "packets between hosts take longer",
    parameters: {
      delay: { type: "duration", help: "of each packet" },
      jitter: { type: "duration", help: "at most so much more, drawn anew", default: "0s" },
    },
    toPoint: ({ delay, jitter }) => ({ delayMs: delay, jitterMs: jitter }),
  },
  {
    name: "link-loss",
    summary: "packets get lost: TCP sends them again, datagrams are gone",
    parameters: { share: share("how many") },
    toPoint: (parameters) => ({ lossPercent: parameters["share"] }),
  },
  {
    name: "link-corrupt",
    summary: "packets arrive damaged: their checksums are wrong, so they count as lost",
    parameters: { share: share("how many") },
    toPoint: (parameters) => ({ lossPercent: parameters["share"] }),
  },
  {
    name: "link-duplicate",
    summary: "datagrams arrive twice (TCP hides it)",
    parameters: { share: share("how many") },
    toPoint: (parameters) => ({ duplicatePercent: parameters["share"] }),
  },
  {
    name: "link-reorder",
    summary: "datagrams are overtaken by later ones (TCP hides it)",
    parameters: {
      share: share("how many"),
      delay: { type: "duration", help: "how much later they come", default: "10ms" },
    },
    toPoint: (parameters) => ({ reorderPercent: parameters["share"], reorderMs: parameters["delay"] }),
  },
  {
    name: "link-bandwidth",
    summary: "all packets together share so many bytes a second",
    parameters: { bytesPerSecond: { type: "number", help: "how many", min: 1 } },
    toPoint: ({ bytesPerSecond }) => ({ bytesPerSecond }),
  },
  {
    name: "partition",
    summary: "nothing passes, one way or both; connections hang and go on when it is healed",
    parameters: {},
    toPoint: () => ({ cut: true }),
  },
  {
    name: "link-reset",
    summary: "open connections are reset, and new ones refused",
    parameters: {},
    toPoint: () => ({ reset: true }),
  },
  {
    name: "half-open",
    summary: "open connections fall silent for ever: neither end is told",
    parameters: {},
    toPoint: () => ({ vanish: true }),
  },
  {
    name: "slow-close",
    summary: "connections are closed late: the FIN waits",
    parameters: { delay: { type: "duration", help: "how late" } },
    toPoint: ({ delay }) => ({ slowCloseMs: delay }),
  },
  {
    name: "limit-bytes",
    summary: "connections are reset after so many bytes",
    parameters: { bytes: { type: "number", help: "one way", min: 1 } },
    toPoint: ({ bytes }) => ({ limitBytes: bytes }),
  },
];

/** The ways between pods, nodes, the API server and this machine: targets `from`, `to`, `direction`. */
export const linkFaults: readonly Fault[] = kinds.map(({ name, summary, parameters, toPoint }) =>
  definePointFault({
    name,
    summary,
    layer: "network",
    targets: "links",
    parameters,
    async choose(context, spec) {
      const links = await chooseLinks(context, spec.target);
      if (!links) return undefined;
      const leases = ways(links).map((way) => ({
        component: "dataplane" as const,
        point: "link",
        parameters: { ...given(toPoint(spec.parameters)), ...way },
      }));
      return { leases, hits: [`${endText(links.from)} ${ARROWS[links.direction]} ${endText(links.to)}`] };
    },
  }),
);

/** One for each direction. */
function ways({ from, to, direction }: ChosenLinks): Record<string, unknown>[] {
  const forth = given({ from, to });
  const back = given({ from: to, to: from });
  if (direction === "to") return [forth];
  return direction === "from" ? [back] : [forth, back];
}

const ARROWS = { to: "→", from: "←", both: "↔" } as const;
const endText = (addresses: readonly string[] | undefined): string => addresses?.join(", ") ?? "everything";
