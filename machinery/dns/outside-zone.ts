import type { Answer } from "dns-packet";
import { type DnsQuestion, type DnsReply, emptyReply } from "./reply.js";

const LONGEST_ALIAS_CHAIN = 8;

/** The root's, as a resolver of the Internet sends it with names that do not exist. */
const ROOT_SOA: Answer = {
  type: "SOA",
  name: "",
  ttl: 86_400,
  class: "IN",
  data: {
    mname: "a.root-servers.net",
    rname: "nstld.verisign-grs.com",
    serial: 2_026_010_100,
    refresh: 1800,
    retry: 900,
    expire: 604_800,
    minimum: 86_400,
  },
};

/** Every name outside of the cluster that exists: what a recursive resolver of the nodes answers. */
export class OutsideZone {
  readonly #records = new Map<string, Answer[]>();
  /** Names that exist because something is below them. */
  readonly #nonTerminals = new Set<string>();

  constructor(records: readonly Answer[]) {
    for (const record of records) {
      const own = this.#records.get(record.name) ?? [];
      own.push(record);
      this.#records.set(record.name, own);
      for (let parent = parentOf(record.name); parent; parent = parentOf(parent))
        this.#nonTerminals.add(parent);
    }
  }

  answer(question: DnsQuestion): DnsReply {
    const answers: Answer[] = [];
    const bare = { ...emptyReply("NOERROR"), recursionAvailable: true };
    let name = question.name;
    while (answers.length < LONGEST_ALIAS_CHAIN) {
      const records = this.#find(name.toLowerCase());
      if (!records) return { ...bare, rcode: "NXDOMAIN", answers, authorities: [ROOT_SOA] };
      const owned = records.map((record): Answer => ({ ...record, name }));
      const wanted = owned.filter(({ type }) => type === question.type || question.type === "ANY");
      const alias = owned.find((record) => record.type === "CNAME");
      if (wanted.length > 0) return { ...bare, answers: [...answers, ...wanted] };
      if (alias?.type !== "CNAME") return { ...bare, answers, authorities: [ROOT_SOA] };
      answers.push(alias);
      name = alias.data;
    }
    return { ...bare, rcode: "SERVFAIL" };
  }

  /** A wildcard stands for every name below it that is not there (RFC 4592). */
  #find(name: string): readonly Answer[] | undefined {
    const own = this.#records.get(name);
    if (own || this.#nonTerminals.has(name) || name === "") return own ?? [];
    for (let parent = parentOf(name); parent !== undefined; parent = parentOf(parent)) {
      const wildcard = this.#records.get(`*.${parent}`);
      if (wildcard) return wildcard;
      if (this.#records.has(parent) || this.#nonTerminals.has(parent)) return undefined;
    }
    return undefined;
  }
}

const parentOf = (name: string): string | undefined => {
  const dot = name.indexOf(".");
  return dot < 0 ? undefined : name.slice(dot + 1);
};
