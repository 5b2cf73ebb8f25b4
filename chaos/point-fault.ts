import { defineFault, type ChoiceContext, type Fault, type Layer, type ParameterSpec } from "./fault.js";
import type { Component } from "./reach.js";
import type { FaultSpec } from "./scenario/types.js";

/** What a fault of a component's fault point holds: plain JSON, for the journal. */
export interface PointTarget {
  /** One lease at a component for each. */
  leases: { component: Component; point: string; parameters: Record<string, unknown> }[];
  /** What the report and the messages call it. */
  hits: string[];
}

export interface PointFault {
  name: string;
  summary: string;
  layer: Layer;
  targets: Fault["targets"];
  otherwise?: string;
  parameters?: Readonly<Record<string, ParameterSpec>>;
  /** The leases to hold; undefined or none when nothing matches. */
  choose(context: ChoiceContext, spec: FaultSpec): Promise<PointTarget | undefined>;
  claims?(target: PointTarget): readonly string[];
  /** Done with its injection. */
  momentary?: boolean;
}

/** A momentary fault is let go at once, whatever its end; the lease only has to begin. */
const MOMENT_MS = 60_000;

/** A fault that a component makes: held at its fault points, healed by letting go. */
export function definePointFault(fault: PointFault): Fault {
  return defineFault<PointTarget>({
    parameters: {},
    ...fault,
    async choose(context, spec) {
      const target = await fault.choose(context, spec);
      return target && target.leases.length > 0 ? target : undefined;
    },
    async inject({ components, clock }, { leases }, injection) {
      const { id } = injection;
      const endsAtMs = fault.momentary ? clock.nowMs() + MOMENT_MS : injection.endsAtMs;
      for (const [i, { component, point, parameters }] of leases.entries())
        await components.hold(component, { id: leaseId(id, i), point, parameters, endsAtMs });
    },
    async heal({ components }, { leases }, { id }) {
      for (const [i, { component }] of leases.entries()) await components.release(component, leaseId(id, i));
    },
  });
}

const leaseId = (id: string, index: number): string => `${id}/${index}`;

/** Leaves out what is undefined: a fault point knows its own defaults. */
export const given = (parameters: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined));
