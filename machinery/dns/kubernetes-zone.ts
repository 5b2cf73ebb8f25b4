import type { Answer } from "dns-packet";
import { SERVICE_NAME_LABEL } from "../api/discovery-v1.js";
import { isIp } from "../network/addresses.js";
import { type ClusterView, clusterIPsOf, endpointsOf } from "./cluster-view.js";
import { addressOfReverseName, isInZone } from "./names.js";
import { type DnsQuestion, type DnsReply, emptyReply, soaRecord } from "./reply.js";
import {
  type Entry,
  findEntries,
  type Found,
  isExposed,
  serviceName,
  type ZoneOptions,
} from "./zone-entries.js";

/** What one question is answered with, beside the cluster's state. */
export interface ZoneContext {
  /** Of the SOA record: when the zone changed last, in seconds. */
  serial: number;
  /** Asks for a name outside of the zone, which an ExternalName stands for. Without it the alias is the whole answer. */
  lookup?: (question: DnsQuestion) => DnsReply | Promise<DnsReply>;
}

/** What was found: nothing of that name, the name without such records, or records. */
interface Records {
  answers: Answer[];
  additionals?: Answer[];
}

const SCHEMA_VERSION = "1.1.0";
const LONGEST_ALIAS_CHAIN = 8;
const NO_DATA: Records = { answers: [] };
const HAS_ADDRESS_FAMILY = { A: false, AAAA: true } as const;

/** The Kubernetes DNS specification (1.1.0) as a function of the cluster's state, in CoreDNS's reading of it. */
export class KubernetesZone {
  readonly #view: ClusterView;
  readonly #options: ZoneOptions;

  constructor(view: ClusterView, options: ZoneOptions) {
    this.#view = view;
    this.#options = options;
  }

  /** For names of the cluster domain and of the reverse zones. */
  answer(question: DnsQuestion, context: ZoneContext): DnsReply | Promise<DnsReply> {
    const { domain } = this.#options;
    const name = question.name.toLowerCase();
    if (question.type === "AXFR" || question.type === "IXFR") return emptyReply("REFUSED");
    if (isInZone(name, domain)) return this.#finish(domain, context, this.#forward(question, name, context));
    const zone = name.endsWith("ip6.arpa") ? "ip6.arpa" : "in-addr.arpa";
    return this.#finish(zone, context, this.#reverse(question, name, zone, context));
  }

  #finish(
    zone: string,
    context: ZoneContext,
    found: Records | Promise<Records> | "no-such-name",
  ): DnsReply | Promise<DnsReply> {
    if (found instanceof Promise) return found.then((records) => this.#finish(zone, context, records));
    const authorities = [soaRecord(zone, this.#options.ttlSeconds, context.serial)];
    if (found === "no-such-name") return { ...emptyReply("NXDOMAIN", true), authorities };
    if (found.answers.length === 0) return { ...emptyReply("NOERROR", true), authorities };
    return { ...emptyReply("NOERROR", true), answers: found.answers, additionals: found.additionals ?? [] };
  }

  #forward(
    question: DnsQuestion,
    name: string,
    context: ZoneContext,
  ): Records | Promise<Records> | "no-such-name" {
    const { domain } = this.#options;
    if (name === domain) return this.#apex(question, context);
    const base = name.slice(0, -domain.length - 1);
    if (base === "dns-version") {
      return question.type === "TXT"
        ? { answers: [this.#record(question.name, "TXT", [Buffer.from(SCHEMA_VERSION)])] }
        : NO_DATA;
    }
    if (base === "ns.dns") return this.#addresses(question, this.#nameServers()[0]?.ips ?? []);
    const found = findEntries(this.#view, this.#options, base);
    if (found === "no-such-name") return found;
    const alias = found.find(({ host }) => !isIp(host));
    return alias ? this.#alias(question, alias.host, context) : this.#records(question, found);
  }

  #apex({ name, type }: DnsQuestion, { serial }: ZoneContext): Records {
    const { domain, ttlSeconds } = this.#options;
    if (type === "SOA") return { answers: [{ ...soaRecord(domain, ttlSeconds, serial), name }] };
    if (type !== "NS") return NO_DATA;
    const servers = this.#nameServers();
    return {
      answers: servers.map((server) => this.#record(name, "NS", server.name)),
      additionals: servers.flatMap((server) => server.ips.map((ip) => this.#address(server.name, ip))),
    };
  }

  // Upstream: coredns plugin/kubernetes ns.go nsAddrs.
  /** The Services that this name server's own address is an endpoint of; itself when there is none. */
  #nameServers(): { name: string; ips: readonly string[] }[] {
    const { domain, localIPs } = this.#options;
    const own = new Map<string, readonly string[]>();
    for (const slice of localIPs.flatMap((ip) => this.#view.slicesByIP(ip))) {
      const { namespace = "", labels } = slice.metadata;
      const service = this.#view.service(namespace, labels?.[SERVICE_NAME_LABEL] ?? "");
      if (service) own.set(serviceName(service, domain), clusterIPsOf(service));
    }
    const named = [...own].filter(([, ips]) => ips.length > 0).map(([name, ips]) => ({ name, ips }));
    return named.length > 0 ? named : [{ name: `ns.dns.${domain}`, ips: localIPs }];
  }

  #records(question: DnsQuestion, entries: readonly Entry[]): Records {
    const hosts = [...new Set(entries.map(({ host }) => host))];
    return question.type === "SRV"
      ? this.#services(question.name, entries)
      : this.#addresses(question, hosts);
  }

  #addresses({ name, type }: DnsQuestion, ips: readonly string[]): Records {
    if (type !== "A" && type !== "AAAA") return NO_DATA;
    const wanted = ips.filter((ip) => ip.includes(":") === HAS_ADDRESS_FAMILY[type]);
    return { answers: wanted.map((ip) => this.#address(name, ip)) };
  }

  // Upstream: coredns plugin/backend_lookup.go SRV.
  /** One record for each target and port, equal in weight, with the targets' addresses. */
  #services(name: string, entries: readonly Entry[]): Records {
    const withPort = entries.filter(({ port }) => port !== undefined);
    const weight = Math.max(1, Math.floor(100 / Math.max(1, withPort.length)));
    const answers = new Map<string, Answer>();
    const additionals = new Map<string, Answer>();
    for (const { host, target, port } of withPort) {
      answers.set(`${target} ${port}`, this.#record(name, "SRV", { priority: 0, weight, port, target }));
      additionals.set(`${target} ${host}`, this.#address(target, host));
    }
    return { answers: [...answers.values()], additionals: [...additionals.values()] };
  }

  // Upstream: coredns plugin/backend_lookup.go A, for names that are aliases.
  /** ExternalName: the chain of aliases to its end, inside the zone or outside. A circle has no records. */
  #alias(question: DnsQuestion, first: string, context: ZoneContext): Records | Promise<Records> {
    if (!["A", "AAAA", "CNAME", "SRV"].includes(question.type)) return NO_DATA;
    const answers: Answer[] = [this.#record(question.name, "CNAME", first)];
    if (question.type === "CNAME") return { answers };
    const seen = new Set([question.name.toLowerCase()]);
    for (let name = first; ; ) {
      const lower = name.toLowerCase();
      if (seen.has(lower) || answers.length >= LONGEST_ALIAS_CHAIN) return NO_DATA;
      seen.add(lower);
      if (!isInZone(lower, this.#options.domain)) return this.#outside(question, name, answers, context);
      const found = this.#below(lower);
      if (found === "no-such-name") return NO_DATA;
      const alias = found.find(({ host }) => !isIp(host));
      if (!alias) {
        const end = this.#records({ name, type: question.type }, found);
        return end.answers.length === 0 ? NO_DATA : { ...end, answers: [...answers, ...end.answers] };
      }
      answers.push(this.#record(name, "CNAME", alias.host));
      name = alias.host;
    }
  }

  #below(name: string): Found {
    const { domain } = this.#options;
    return name === domain ? [] : findEntries(this.#view, this.#options, name.slice(0, -domain.length - 1));
  }

  #outside(
    { type }: DnsQuestion,
    name: string,
    aliases: Answer[],
    { lookup }: ZoneContext,
  ): Records | Promise<Records> {
    const withTarget = ({ answers }: DnsReply): Records => ({ answers: [...aliases, ...answers] });
    if (!lookup) return { answers: aliases };
    const reply = lookup({ name, type });
    return reply instanceof Promise ? reply.then(withTarget) : withTarget(reply);
  }

  #reverse(
    { name: asked, type }: DnsQuestion,
    name: string,
    zone: string,
    { serial }: ZoneContext,
  ): Records | "no-such-name" {
    if (name === zone) {
      const soa = { ...soaRecord(zone, this.#options.ttlSeconds, serial), name: asked };
      return type === "SOA" ? { answers: [soa] } : NO_DATA;
    }
    const ip = type === "PTR" ? addressOfReverseName(name) : undefined;
    const targets = ip === undefined ? [] : this.#namesOf(ip);
    if (targets.length === 0) return "no-such-name";
    return { answers: targets.map((target) => this.#record(asked, "PTR", target)) };
  }

  // Upstream: coredns plugin/kubernetes reverse.go serviceRecordForIP.
  #namesOf(ip: string): string[] {
    const { domain, endpointPodNames } = this.#options;
    const service = this.#view.serviceByIP(ip);
    if (service)
      return isExposed(this.#options, service.metadata.namespace) ? [serviceName(service, domain)] : [];
    const names = this.#view.slicesByIP(ip).flatMap((slice) => {
      const owner = slice.metadata.labels?.[SERVICE_NAME_LABEL];
      const found = owner && this.#view.service(slice.metadata.namespace ?? "", owner);
      if (!found || !isExposed(this.#options, found.metadata.namespace)) return [];
      return endpointsOf(found, [slice], { podNames: endpointPodNames })
        .filter((endpoint) => endpoint.ip === ip)
        .map(({ label }) => `${label}.${serviceName(found, domain)}`);
    });
    return [...new Set(names)];
  }

  #address(name: string, ip: string): Answer {
    return this.#record(name, ip.includes(":") ? "AAAA" : "A", ip);
  }

  #record<T extends Answer["type"]>(name: string, type: T, data: unknown): Answer {
    return { name, type, ttl: this.#options.ttlSeconds, class: "IN", data } as Answer;
  }
}
