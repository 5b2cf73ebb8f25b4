import { SERVICE_NAME_LABEL } from "../machinery/api/discovery-v1.js";
import type { ObjectKey } from "../machinery/api/resource.js";
import type { ServicePortRoute } from "./dataplane/table.js";
import { PersistentMap } from "./persistent-map.js";
import { type ReadonlyService, type ReadonlySlice, routesOf } from "./rules.js";

/** One object as a watch delivered it; without `object` it was deleted. */
export type Change =
  | { kind: "service"; key: ObjectKey; object?: ReadonlyService }
  | { kind: "slice"; key: ObjectKey; service: ObjectKey; object?: ReadonlySlice };

type Slices = PersistentMap<ReadonlySlice>;

/** What a node knows of Services and EndpointSlices. Immutable: nodes that have heard the same share one. */
export class ClusterView {
  static readonly empty = new ClusterView(PersistentMap.empty(), PersistentMap.empty());

  readonly #services: PersistentMap<ReadonlyService>;
  /** By Service, then by slice. */
  readonly #slices: PersistentMap<Slices>;

  constructor(services: PersistentMap<ReadonlyService>, slices: PersistentMap<Slices>) {
    this.#services = services;
    this.#slices = slices;
  }

  get serviceCount(): number {
    return this.#services.size;
  }

  with(change: Change): ClusterView {
    if (change.kind === "service") {
      const { key, object } = change;
      return new ClusterView(
        object ? this.#services.with(key, object) : this.#services.without(key),
        this.#slices,
      );
    }
    const before = this.#slices.get(change.service) ?? PersistentMap.empty<ReadonlySlice>();
    const after = change.object ? before.with(change.key, change.object) : before.without(change.key);
    return new ClusterView(
      this.#services,
      after.size === 0 ? this.#slices.without(change.service) : this.#slices.with(change.service, after),
    );
  }

  routes(service: ObjectKey): ServicePortRoute[] {
    const object = this.#services.get(service);
    if (!object) return [];
    const slices = [...(this.#slices.get(service)?.values() ?? [])];
    // The order of a hash map is no order; balancers that take turns need one.
    slices.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    return routesOf(object, slices);
  }

  allRoutes(): ServicePortRoute[] {
    return [...this.#services.entries()].flatMap(([key]) => this.routes(key));
  }

  /** What turns this view's table into that of `next`. Costs what differs. */
  difference(next: ClusterView): { set: ServicePortRoute[]; remove: string[] } {
    const services = this.#services.diff(next.#services);
    const slices = this.#slices.diff(next.#slices);
    const named = [...services.set, ...slices.set].map(([key]) => key);
    return next.routeChanges(this, new Set([...named, ...services.removed, ...slices.removed]));
  }

  /** What turns the table of `before` into this one's, for the Services named. */
  routeChanges(
    before: ClusterView,
    services: Iterable<ObjectKey>,
  ): { set: ServicePortRoute[]; remove: string[] } {
    const set: ServicePortRoute[] = [];
    const remove: string[] = [];
    for (const service of services) {
      const now = this.routes(service);
      const kept = new Set(now.map(({ servicePort }) => servicePort));
      for (const { servicePort } of before.routes(service))
        if (!kept.has(servicePort)) remove.push(servicePort);
      set.push(...now);
    }
    return { set, remove };
  }
}

export const serviceOf = (change: Change): ObjectKey =>
  change.kind === "service" ? change.key : change.service;

/** The Service that a slice belongs to; undefined for a slice that belongs to none. */
export function serviceOfSlice({ metadata }: ReadonlySlice): ObjectKey | undefined {
  const name = metadata.labels?.[SERVICE_NAME_LABEL];
  return name ? `${metadata.namespace ?? ""}/${name}` : undefined;
}
