import type { Clock } from "../machinery/api/clock.js";
import type { Rng } from "../machinery/api/rng.js";
import type { RestClient } from "../machinery/client/rest-client.js";
import type { Reach } from "./reach.js";
import type { FaultSpec } from "./scenario/types.js";

/** What the choice of a target may ask. */
export interface ChoiceContext {
  client: RestClient;
  clock: Clock;
  rng: Rng;
}

/** Which part of the cluster a fault breaks; groups the vocabulary. */
export type Layer =
  | "pod"
  | "node"
  | "network"
  | "watch"
  | "apiserver"
  | "store"
  | "controllers"
  | "proxy"
  | "dns"
  | "clock"
  | "change"
  | "traffic"
  | "resource";

/**
 * One entry of `parameters` in a scenario file. Durations reach the fault as milliseconds, percents as 0 to 100, `objects` as
 * Kubernetes objects wherever they were written (in place, or in files that the scenario names), `map` as texts by name, `json`
 * as any value.
 */
export interface ParameterSpec {
  type: "duration" | "number" | "percent" | "text" | "texts" | "flag" | "choice" | "map" | "objects" | "json";
  help: string;
  /** Absent: required unless `optional`. */
  default?: unknown;
  optional?: boolean;
  choices?: readonly string[];
  min?: number;
  max?: number;
}

/** One injection, as it is written to the journal before it is made. */
export interface Injection {
  /** Unique in the cluster; also the id of the leases at components. */
  id: string;
  /** Wall time at which the fault ends whatever happens. */
  endsAtMs: number;
}

/**
 * Something that breaks, and knows how to heal. `choose` draws a target that is plain JSON and holds all that `inject` and
 * `heal` need, parameters included; undefined when nothing matches. `heal` is idempotent: it may run twice, after a crash,
 * in another process, or without `inject` having finished.
 */
export interface Fault<Target = unknown> {
  name: string;
  summary: string;
  layer: Layer;
  /** What `target` in the scenario selects; `none` takes no target. */
  targets: "pods" | "nodes" | "services" | "deployments" | "component" | "links" | "none";
  /** What it hits when the scenario does not say, in words. Absent: pods, Services and Deployments have to be said. */
  otherwise?: string;
  parameters: Readonly<Record<string, ParameterSpec>>;
  /** Done with its injection (a kill): takes no `duration`. */
  momentary?: boolean;
  /** What no two faults may hold at once, such as `process/proxy`; default: this fault on this very target. */
  claims?(target: Target): readonly string[];
  choose(context: ChoiceContext, spec: FaultSpec): Promise<Target | undefined>;
  inject(reach: Reach, target: Target, injection: Injection): Promise<void>;
  heal(reach: Reach, target: Target, injection: Injection): Promise<void>;
}

export const defineFault = <Target>(fault: Fault<Target>): Fault => fault as Fault;

/** What no other fault may hold at once. A momentary fault claims nothing. */
export const claimsOf = (fault: Fault, target: unknown): readonly string[] =>
  fault.momentary ? [] : (fault.claims?.(target) ?? [`${fault.name} ${JSON.stringify(target)}`]);
