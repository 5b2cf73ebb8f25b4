import type { KubeObject } from "../../machinery/api/meta-v1.js";
import type { GroupVersion, ResourceDescriptor } from "../../machinery/api/resource.js";
import { GenericStore } from "../registry/generic-store.js";
import type { Lookup, ServedResource } from "../registry/serve.js";
import type { StoreDependencies } from "../registry/store-core.js";

const versionKey = ({ group, version }: GroupVersion): string => `${group}/${version}`;

/** Every kind that is served, with its store. Also how server-side code looks at current objects. */
export class ResourceIndex implements Lookup {
  readonly #versions = new Map<string, Map<string, GenericStore>>();
  #resources: readonly ServedResource[] = [];

  /** A new array whenever it changed. */
  get resources(): readonly ServedResource[] {
    return this.#resources;
  }

  add(resource: ServedResource, dependencies: StoreDependencies): void {
    const key = versionKey(resource.descriptor);
    const kinds = this.#versions.get(key) ?? new Map<string, GenericStore>();
    kinds.set(resource.descriptor.plural, new GenericStore(resource, dependencies));
    this.#versions.set(key, kinds);
    this.#resources = [...this.#resources, resource];
  }

  serves(version: GroupVersion): boolean {
    return this.#versions.has(versionKey(version));
  }

  find({ group, version, resource }: GroupVersion & { resource: string }): GenericStore | undefined {
    return this.#versions.get(versionKey({ group, version }))?.get(resource);
  }

  /** Throws RangeError for a kind that is not served: a mistake of the program. */
  store<T extends KubeObject>(descriptor: ResourceDescriptor<T>): GenericStore<T> {
    const { group, version, plural } = descriptor;
    const store = this.find({ group, version, resource: plural });
    if (!store) throw new RangeError(`${descriptor.apiVersion} ${descriptor.kind} is not served`);
    return store as unknown as GenericStore<T>;
  }

  get<T extends KubeObject>(
    descriptor: ResourceDescriptor<T>,
    namespace: string | undefined,
    name: string,
  ): T | undefined {
    const { group, version, plural } = descriptor;
    const store = this.find({ group, version, resource: plural });
    return store?.find({ namespace, name }) as T | undefined;
  }

  list<T extends KubeObject>(descriptor: ResourceDescriptor<T>, namespace?: string): readonly T[] {
    const { group, version, plural } = descriptor;
    const store = this.find({ group, version, resource: plural });
    if (!store) return [];
    return store.list({ namespace }).items.map((item) => store.core.view.object(item)) as unknown as T[];
  }
}
