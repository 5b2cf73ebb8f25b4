import {
  type ConfigMap,
  configMaps,
  type Secret,
  type Service,
  secrets,
  services,
} from "../machinery/api/core-v1.js";
import type { KubeObject } from "../machinery/api/meta-v1.js";
import type { ResourceDescriptor } from "../machinery/api/resource.js";
import { isNotFound } from "../machinery/api/status.js";
import type { Informer } from "../machinery/client/informer.js";
import type { RestClient } from "../machinery/client/rest-client.js";
import type { SharedInformers } from "../machinery/client/shared-informers.js";
import type { ConfigSource } from "./pods/env.js";

/**
 * ConfigMaps, Secrets and Services for all pods of this process, from one watch each. What the caches do not have is asked
 * for once more, because a pod may come by a quicker way than the ConfigMap that was made before it.
 */
export class ConfigCache implements ConfigSource {
  readonly #client: RestClient;
  readonly #configMaps: Informer<ConfigMap>;
  readonly #secrets: Informer<Secret>;
  readonly #services: Informer<Service>;

  /** `onChange` gets `configmap/NAMESPACE/NAME` or `secret/…`. */
  constructor(options: {
    client: RestClient;
    informers: SharedInformers;
    onChange: (key: string) => void;
  }) {
    this.#client = options.client;
    this.#configMaps = options.informers.for(configMaps);
    this.#secrets = options.informers.for(secrets);
    this.#services = options.informers.for(services);
    const report = (kind: string) => (object: { metadata: { namespace?: string; name: string } }) =>
      options.onChange(`${kind}/${object.metadata.namespace}/${object.metadata.name}`);
    const watchers = { configmap: this.#configMaps, secret: this.#secrets };
    for (const [kind, informer] of Object.entries(watchers)) {
      const changed = report(kind);
      informer.onChange({ added: changed, updated: (_, now) => changed(now), deleted: changed });
    }
  }

  configMap(namespace: string, name: string): Promise<ConfigMap | undefined> {
    return this.#find(configMaps, this.#configMaps, namespace, name);
  }

  secret(namespace: string, name: string): Promise<Secret | undefined> {
    return this.#find(secrets, this.#secrets, namespace, name);
  }

  services(namespace: string): readonly Service[] {
    // Nobody changes what comes from a cache.
    return this.#services.list(namespace) as Service[];
  }

  kubernetesService(): Service | undefined {
    return this.#services.get("default/kubernetes") as Service | undefined;
  }

  async #find<T extends KubeObject>(
    descriptor: ResourceDescriptor<T>,
    informer: Informer<T>,
    namespace: string,
    name: string,
  ): Promise<T | undefined> {
    const cached = informer.get(`${namespace}/${name}`) as T | undefined;
    if (cached) return cached;
    try {
      return await this.#client.get(descriptor, { namespace, name });
    } catch (err) {
      if (isNotFound(err)) return undefined;
      throw err;
    }
  }
}
