import type { Answer } from "dns-packet";
import type { Service } from "../api/core-v1.js";
import { SERVICE_NAME_LABEL } from "../api/discovery-v1.js";
import type { DeepReadonly } from "../api/meta-v1.js";
import { isIpAddress } from "../network/resolv-conf.js";
import { type ClusterView, endpointsOf, isHeadless, type NamedEndpoint } from "./cluster-view.js";
import { type DnsQuestion, type DnsReply, emptyReply, soaRecord } from "./reply.js";

export interface KubernetesZoneOptions {
  /** `cluster.local` */
  domain: string;
  ttlSeconds: number;
  /** Whether `1-2-3-4.namespace.pod` names are answered, as with `pods insecure`. */
  podNames: boolean;
}

const DNS_SCHEMA_VERSION = "1.1.0";
const REVERSE = ".in-addr.arpa";
const LONGEST_ALIAS_CHAIN = 8;

/** What was found: nothing of that name, the name without such records, or records. */
type Found = "no-such-name" | { answers: Answer[]; additionals?: Answer[] };

const NO_DATA: Found = { answers: [] };

/**
 * The Kubernetes DNS specification as a function of the cluster's state. Names outside of the zone do not exist: the
 * virtual network has no other names.
 */
export class KubernetesZone {
  readonly #view: ClusterView;
  readonly #options: KubernetesZoneOptions;

  constructor(view: ClusterView, options: KubernetesZoneOptions) {
    this.#view = view;
    this.#options = options;
  }

  answer(question: DnsQuestion, serial: number): DnsReply {
    const { domain, ttlSeconds } = this.#options;
    const name = question.name.toLowerCase();
    const isReverse = name.endsWith(REVERSE);
    const inZone = name === domain || name.endsWith(`.${domain}`);
    if (!inZone && !isReverse) return emptyReply("NXDOMAIN");
    const found = isReverse ? this.#reverse(question.name, name) : this.#forward(question, name, serial, 0);
    const authorities = [soaRecord(isReverse ? "in-addr.arpa" : domain, ttlSeconds, serial)];
    if (found === "no-such-name") return { ...emptyReply("NXDOMAIN", true), authorities };
    if (found.answers.length === 0) return { ...emptyReply("NOERROR", true), authorities };
    return {
      ...emptyReply("NOERROR", true),
      answers: found.answers,
      additionals: found.additionals ?? [],
    };
  }

  #forward(question: DnsQuestion, name: string, serial: number, depth: number): Found {
    const { domain } = this.#options;
    if (name === domain) return this.#apex(question, serial);
    const labels = name.slice(0, -domain.length - 1).split(".");
    const kind = labels.pop();
    if (kind === "dns-version" && labels.length === 0) {
      return question.type === "TXT"
        ? { answers: [this.#record(question.name, "TXT", [DNS_SCHEMA_VERSION])] }
        : NO_DATA;
    }
    if (kind === "dns" && labels.length === 1 && labels[0] === "ns") return NO_DATA;
    if (kind !== "svc" && kind !== "pod") return "no-such-name";
    const namespace = labels.pop();
    if (namespace === undefined) return NO_DATA;
    if (!this.#view.namespace(namespace)) return "no-such-name";
    const owner = labels.pop();
    if (owner === undefined) return NO_DATA;
    return kind === "pod"
      ? this.#pod(question, owner, labels)
      : this.#service(question, { namespace, service: owner, rest: labels }, serial, depth);
  }

  #apex({ name, type }: DnsQuestion, serial: number): Found {
    const { domain, ttlSeconds } = this.#options;
    if (type === "SOA") return { answers: [soaRecord(domain, ttlSeconds, serial)] };
    if (type === "NS") return { answers: [this.#record(name, "NS", `ns.dns.${domain}`)] };
    return NO_DATA;
  }

  #pod({ name, type }: DnsQuestion, label: string, rest: readonly string[]): Found {
    const ip = label.replaceAll("-", ".");
    if (!this.#options.podNames || rest.length > 0 || !isIpAddress(ip)) return "no-such-name";
    return type === "A" ? { answers: [this.#record(name, "A", ip)] } : NO_DATA;
  }

  #service(
    question: DnsQuestion,
    at: { namespace: string; service: string; rest: readonly string[] },
    serial: number,
    depth: number,
  ): Found {
    const service = this.#view.service(at.namespace, at.service);
    if (!service) return "no-such-name";
    const [first, second] = at.rest;
    if (service.spec.type === "ExternalName") {
      return at.rest.length === 0 ? this.#alias(question, service, serial, depth) : "no-such-name";
    }
    if (at.rest.length === 2 && first?.startsWith("_") && second?.startsWith("_")) {
      return this.#servicePorts(question, service, first.slice(1), second.slice(1));
    }
    if (at.rest.length > 1) return "no-such-name";
    if (first === undefined) return this.#serviceItself(question, service);
    const endpoint = this.#endpoints(service).filter(({ label }) => label === first);
    return endpoint.length === 0 ? "no-such-name" : this.#endpointRecords(question, service, endpoint);
  }

  #serviceItself(question: DnsQuestion, service: DeepReadonly<Service>): Found {
    const { name, type } = question;
    if (isHeadless(service)) return this.#endpointRecords(question, service, this.#endpoints(service));
    if (type === "A") return { answers: this.#clusterIPs(service).map((ip) => this.#record(name, "A", ip)) };
    return type === "SRV" ? this.#servicePorts(question, service, undefined, undefined) : NO_DATA;
  }

  #endpointRecords(
    { name, type }: DnsQuestion,
    service: DeepReadonly<Service>,
    endpoints: readonly NamedEndpoint[],
  ): Found {
    if (type === "A") return { answers: endpoints.map(({ ip }) => this.#record(name, "A", ip)) };
    if (type !== "SRV") return NO_DATA;
    return this.#endpointPorts(name, service, endpoints, undefined, undefined);
  }

  /** SRV records; undefined means every port or protocol. */
  #servicePorts(
    { name, type }: DnsQuestion,
    service: DeepReadonly<Service>,
    portName: string | undefined,
    protocol: string | undefined,
  ): Found {
    const ports = (service.spec.ports ?? []).filter(
      (port) =>
        (portName === undefined || (port.name ?? "").toLowerCase() === portName) &&
        (protocol === undefined || port.protocol.toLowerCase() === protocol),
    );
    if (isHeadless(service)) {
      const found = this.#endpointPorts(name, service, this.#endpoints(service), portName, protocol);
      if (found === "no-such-name" || ports.length === 0) return "no-such-name";
      return type === "SRV" ? found : NO_DATA;
    }
    if (ports.length === 0) return "no-such-name";
    if (type !== "SRV") return NO_DATA;
    const target = this.#serviceName(service);
    const weight = Math.floor(100 / ports.length);
    return {
      answers: ports.map(({ port }) => this.#record(name, "SRV", { priority: 0, weight, port, target })),
      additionals: this.#clusterIPs(service).map((ip) => this.#record(target, "A", ip)),
    };
  }

  #endpointPorts(
    name: string,
    service: DeepReadonly<Service>,
    endpoints: readonly NamedEndpoint[],
    portName: string | undefined,
    protocol: string | undefined,
  ): Found {
    const targets = endpoints.flatMap(({ ip, label, ports }) =>
      ports
        .filter(
          (port) =>
            (portName === undefined || port.name.toLowerCase() === portName) &&
            (protocol === undefined || port.protocol === protocol),
        )
        .map(({ port }) => ({ ip, port, target: `${label}.${this.#serviceName(service)}` })),
    );
    const weight = Math.max(1, Math.floor(100 / Math.max(1, targets.length)));
    const addresses = new Map(targets.map(({ ip, target }) => [target, ip]));
    return {
      answers: targets.map(({ port, target }) =>
        this.#record(name, "SRV", { priority: 0, weight, port, target }),
      ),
      additionals: [...addresses].map(([target, ip]) => this.#record(target, "A", ip)),
    };
  }

  /** ExternalName: the alias, and what it stands for when that is in the zone. */
  #alias(question: DnsQuestion, service: DeepReadonly<Service>, serial: number, depth: number): Found {
    const target = (service.spec.externalName ?? "").replace(/\.$/, "");
    const alias = this.#record(question.name, "CNAME", target);
    if (!["A", "AAAA", "CNAME", "SRV"].includes(question.type)) return NO_DATA;
    if (question.type === "CNAME" || depth >= LONGEST_ALIAS_CHAIN) return { answers: [alias] };
    if (!target.toLowerCase().endsWith(`.${this.#options.domain}`)) return { answers: [alias] };
    const next = this.#forward({ ...question, name: target }, target.toLowerCase(), serial, depth + 1);
    return next === "no-such-name" ? { answers: [alias] } : { ...next, answers: [alias, ...next.answers] };
  }

  #reverse(asked: string, name: string): Found {
    const ip = name.slice(0, -REVERSE.length).split(".").reverse().join(".");
    if (!isIpAddress(ip)) return "no-such-name";
    const service = this.#view.serviceByIP(ip);
    if (service) return { answers: [this.#record(asked, "PTR", this.#serviceName(service))] };
    const names = this.#view.slicesByIP(ip).flatMap((slice) => {
      const owner = slice.metadata.labels?.[SERVICE_NAME_LABEL];
      const found = owner && this.#view.service(slice.metadata.namespace ?? "", owner);
      if (!found) return [];
      return endpointsOf(found, [slice])
        .filter((endpoint) => endpoint.ip === ip)
        .map(({ label }) => `${label}.${this.#serviceName(found)}`);
    });
    if (names.length === 0) return "no-such-name";
    return { answers: [...new Set(names)].map((target) => this.#record(asked, "PTR", target)) };
  }

  #endpoints(service: DeepReadonly<Service>): NamedEndpoint[] {
    const { namespace = "", name } = service.metadata;
    return endpointsOf(service, this.#view.slices(namespace, name));
  }

  #clusterIPs({ spec }: DeepReadonly<Service>): readonly string[] {
    const all = spec.clusterIPs && spec.clusterIPs.length > 0 ? spec.clusterIPs : [spec.clusterIP ?? ""];
    return all.filter(isIpAddress);
  }

  #serviceName({ metadata }: DeepReadonly<Service>): string {
    return `${metadata.name}.${metadata.namespace}.svc.${this.#options.domain}`;
  }

  #record<T extends Answer["type"]>(name: string, type: T, data: unknown): Answer {
    return { name, type, ttl: this.#options.ttlSeconds, class: "IN", data } as Answer;
  }
}
