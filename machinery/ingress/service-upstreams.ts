import { type Service, type ServicePort, services } from "../api/core-v1.js";
import { type EndpointSlice, endpointSlices, SERVICE_NAME_LABEL } from "../api/discovery-v1.js";
import type { DeepReadonly } from "../api/meta-v1.js";
import type { Informer } from "../client/informer.js";
import type { Selection } from "../client/reflector.js";
import type { SharedInformers } from "../client/shared-informers.js";
import { formatAddress } from "../network/addresses.js";
import type { ServiceTarget } from "./route.js";

export interface UpstreamEndpoint {
  /** An address, or a name for an ExternalName Service. */
  host: string;
  port: number;
  /** `10.244.1.5:80` */
  name: string;
}

/** Where requests for a port of a Service go now. */
export interface Upstream {
  /** `default-web-80`, as in ingress-nginx's logs and metrics. */
  name: string;
  endpoints: readonly UpstreamEndpoint[];
}

const BY_SERVICE = "ingress/service";

/** Endpoints of Services, from watches; worked out when asked for, and again after a change. */
export class ServiceUpstreams {
  readonly #services: Informer<Service>;
  readonly #slices: Informer<EndpointSlice>;
  /** By Service, then by port. */
  readonly #known = new Map<string, Map<string, Upstream>>();

  constructor(informers: SharedInformers, selection: Selection = {}) {
    this.#services = informers.for<Service>(services, selection);
    this.#slices = informers.for<EndpointSlice>(endpointSlices, selection);
    this.#slices.addIndex(BY_SERVICE, (slice) => [serviceKeyOf(slice)]);
    const forgetService = ({ metadata }: DeepReadonly<Service>): void => {
      this.#known.delete(`${metadata.namespace}/${metadata.name}`);
    };
    const forgetSlice = (slice: DeepReadonly<EndpointSlice>): void => {
      this.#known.delete(serviceKeyOf(slice));
    };
    this.#services.onChange(onAny(forgetService));
    this.#slices.onChange(onAny(forgetSlice));
  }

  hasSynced(): boolean {
    return this.#services.hasSynced() && this.#slices.hasSynced();
  }

  service(namespace: string, name: string): DeepReadonly<Service> | undefined {
    return this.#services.get(`${namespace}/${name}`);
  }

  /** With `asService` the Service's own address is the only endpoint. */
  upstream({ namespace, name, port }: ServiceTarget, asService = false): Upstream {
    const serviceKey = `${namespace}/${name}`;
    let ports = this.#known.get(serviceKey);
    if (!ports) {
      ports = new Map();
      // Only what exists is kept: names that nobody has must not fill the memory.
      if (this.#services.get(serviceKey)) this.#known.set(serviceKey, ports);
    }
    const portKey = `${port}${asService ? "/service" : ""}`;
    let upstream = ports.get(portKey);
    if (!upstream) {
      upstream = {
        name: `${namespace}-${name}-${port}`,
        endpoints: this.#endpoints(serviceKey, port, asService),
      };
      ports.set(portKey, upstream);
    }
    return upstream;
  }

  #endpoints(serviceKey: string, port: number | string, asService: boolean): UpstreamEndpoint[] {
    const service = this.#services.get(serviceKey);
    if (!service) return [];
    const { spec } = service;
    const servicePort = spec.ports?.find((each) => each.port === port || each.name === port);
    if (spec.type === "ExternalName") {
      const number = servicePort?.port ?? (typeof port === "number" ? port : undefined);
      return spec.externalName && number ? [toEndpoint(spec.externalName, number)] : [];
    }
    if (!servicePort || (servicePort.protocol ?? "TCP") !== "TCP") return [];
    if (asService) return spec.clusterIP ? [toEndpoint(spec.clusterIP, servicePort.port)] : [];
    return this.#ready(serviceKey, servicePort);
  }

  /** Of a dual-stack Service the first family that has any: one pod is one endpoint. */
  #ready(serviceKey: string, servicePort: DeepReadonly<ServicePort>): UpstreamEndpoint[] {
    const slices = this.#slices.byIndex(BY_SERVICE, serviceKey);
    for (const family of ["IPv4", "IPv6"]) {
      const found = new Map<string, UpstreamEndpoint>();
      for (const slice of slices) {
        if (slice.addressType !== family) continue;
        const number = slice.ports?.find((each) => (each.name ?? "") === (servicePort.name ?? ""))?.port;
        if (!number) continue;
        for (const { addresses, conditions } of slice.endpoints ?? []) {
          const [ip] = addresses;
          if (ip === undefined || conditions?.ready === false) continue;
          const endpoint = toEndpoint(ip, number);
          found.set(endpoint.name, endpoint);
        }
      }
      if (found.size > 0) return [...found.values()];
    }
    return [];
  }
}

const toEndpoint = (host: string, port: number): UpstreamEndpoint => ({
  host,
  port,
  name: formatAddress({ ip: host, port }),
});

const serviceKeyOf = ({ metadata }: DeepReadonly<EndpointSlice>): string =>
  `${metadata.namespace}/${metadata.labels?.[SERVICE_NAME_LABEL] ?? ""}`;

const onAny = <T>(forget: (object: DeepReadonly<T>) => void) => ({
  added: forget,
  updated: (_: DeepReadonly<T>, object: DeepReadonly<T>): void => forget(object),
  deleted: forget,
});
