import { decode, encode } from "dns-packet";
import { pods, type Service, services } from "../../machinery/api/core-v1.js";
import { objectKey } from "../../machinery/api/resource.js";
import type { ClusterAccess } from "../cluster-access.js";
import type { LookupRecord } from "../evidence.js";
import { lookEvery, type Witness } from "../witness.js";

const PERIOD_MS = 250;
/** Questions of one look; the next look goes on after them. */
const AT_ONCE = 4;
const TIMEOUT_MS = 1000;
const REFRESH_EVERY = 8;
const MOST_SERVICES = 20;
const MOST_LOOKUPS = 50_000;
const DNS = { namespace: "kube-system", service: "kube-dns", selector: "k8s-app=kube-dns" };
const RECURSION_DESIRED = 0x100;
const TRUNCATED = 0x200;
const NXDOMAIN = 3;

interface Question {
  server: string;
  service: string;
  name: string;
}

/** Asks each DNS replica, and the Service before them, for the names of Services: datagrams through the data plane. */
export const dnsWitness: Witness = {
  name: "dns",
  async start({ cluster, signal }) {
    const asker = new Asker(cluster);
    await asker.refresh().catch(() => {});
    return {
      testify: async () => {
        await asker.refresh().catch(() => {});
        await asker.askAll();
        return { lookups: asker.records };
      },
      ended: lookEvery(cluster.clock, PERIOD_MS, signal, () => asker.look()),
    };
  },
};

class Asker {
  readonly records: LookupRecord[] = [];
  readonly #cluster: ClusterAccess;
  /** By name: those that are gone are asked for as well. */
  readonly #services = new Map<string, string>();
  #servers: string[] = [];
  #looks = 0;
  #asked = 0;

  constructor(cluster: ClusterAccess) {
    this.#cluster = cluster;
  }

  async refresh(): Promise<void> {
    const { client } = this.#cluster;
    for (const service of (await client.list(services)).items)
      if (isAskedFor(service) && this.#services.size < MOST_SERVICES)
        this.#services.set(nameOf(service), objectKey(service));
    const replicas = await client.list(pods, { namespace: DNS.namespace, labelSelector: DNS.selector });
    const front = await client.get(services, { namespace: DNS.namespace, name: DNS.service });
    const ips = replicas.items
      .filter(({ metadata, status }) => status.phase === "Running" && !metadata.deletionTimestamp)
      .map(({ status }) => status.podIP);
    this.#servers = [front.spec.clusterIP, ...ips].filter((ip) => ip !== undefined);
  }

  /** The next few questions. */
  async look(): Promise<void> {
    if (++this.#looks % REFRESH_EVERY === 0) await this.refresh().catch(() => {});
    const questions = this.#questions();
    const next = Array.from(
      { length: Math.min(AT_ONCE, questions.length) },
      (_, i) => questions[(this.#asked + i) % questions.length],
    ).filter((question) => question !== undefined);
    this.#asked += next.length;
    await this.#ask(next);
  }

  async askAll(): Promise<void> {
    const questions = this.#questions();
    for (let i = 0; i < questions.length; i += AT_ONCE) await this.#ask(questions.slice(i, i + AT_ONCE));
  }

  #questions(): Question[] {
    return [...this.#services].flatMap(([name, service]) =>
      this.#servers.map((server) => ({ server, service, name })),
    );
  }

  async #ask(questions: readonly Question[]): Promise<void> {
    if (this.records.length >= MOST_LOOKUPS) return;
    this.records.push(...(await Promise.all(questions.map((question) => this.#lookUp(question)))));
  }

  async #lookUp({ server, service, name }: Question): Promise<LookupRecord> {
    const { clock } = this.#cluster;
    const atMs = clock.nowMs();
    const answer = await this.#exchange(server, name).catch(() => NO_ANSWER);
    return { atMs, tookMs: clock.nowMs() - atMs, server, name, service, ...answer };
  }

  async #exchange(server: string, name: string): Promise<Answered> {
    const message = encode({
      type: "query",
      id: 1,
      flags: RECURSION_DESIRED,
      questions: [{ type: "A", name }],
    });
    const query = new URLSearchParams({
      to: `${server}:53`,
      payload: message.toString("base64"),
      timeoutMs: String(TIMEOUT_MS),
    });
    const { payload } = (await this.#cluster.inspect("dataplane", `/exchange?${query.toString()}`)) as {
      payload: string;
    };
    return answerOf(Buffer.from(payload, "base64"));
  }
}

type Answered = Pick<LookupRecord, "outcome" | "addresses" | "ttlSeconds">;

const NO_ANSWER: Answered = { outcome: "unknown", addresses: [], ttlSeconds: 0 };

/** Names that exist and names that do not; a server's own trouble says nothing about either. */
function answerOf(bytes: Buffer): Answered {
  const { answers = [], authorities = [] } = decode(bytes);
  const flags = bytes.readUInt16BE(2);
  const rcode = flags & 15;
  if ((flags & TRUNCATED) !== 0 || (rcode !== 0 && rcode !== NXDOMAIN)) return NO_ANSWER;
  const records = [...answers, ...authorities];
  const ttlSeconds = Math.max(0, ...records.map((record) => ("ttl" in record ? (record.ttl ?? 0) : 0)));
  return {
    outcome: rcode === NXDOMAIN ? "no-such-name" : "answered",
    addresses: answers.flatMap((answer) => (answer.type === "A" ? [answer.data] : [])).sort(),
    ttlSeconds,
  };
}

const isAskedFor = ({ metadata, spec }: Service): boolean =>
  spec.type !== "ExternalName" && metadata.name !== "kubernetes" && metadata.namespace !== DNS.namespace;

const nameOf = ({ metadata }: Service): string =>
  `${metadata.name}.${metadata.namespace ?? ""}.svc.cluster.local`;
