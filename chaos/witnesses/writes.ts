import { type ConfigMap, configMaps } from "../../machinery/api/core-v1.js";
import { isNotFound } from "../../machinery/api/status.js";
import type { ClusterAccess } from "../cluster-access.js";
import type { WriteRecord } from "../evidence.js";
import { isPassing } from "../passing.js";
import { lookEvery, type Witness } from "../witness.js";

const PERIOD_MS = 100;
const LABEL = "chaos.kubesim.dev/witness";
const NAMESPACE = "default";
const MOST_WRITES = 20_000;
const FINAL_TRIES = 20;
const RETRY_MS = 500;

/** Every fourth object is deleted at last. */
const LIVES: readonly (readonly WriteRecord["verb"][])[] = [
  ["create", "update", "update"],
  ["create", "update", "update", "delete"],
];

/** Creates, updates and deletes ConfigMaps that nobody else touches, reads each back, and once more at the end. */
export const writesWitness: Witness = {
  name: "writes",
  async start({ cluster, rng, signal }) {
    const writer = new Writer(cluster, rng.suffix(5));
    const writing = lookEvery(cluster.clock, PERIOD_MS, signal, () => writer.write());
    return {
      testify: async () => ({ writes: await writer.finish() }),
      ended: writing,
    };
  },
};

/** The one object that is written to now, and what is left of its life. */
interface Life {
  key: string;
  left: WriteRecord["verb"][];
  /** What the last answer said: nobody else writes to it. */
  object?: ConfigMap;
}

class Writer {
  readonly #cluster: ClusterAccess;
  readonly #suffix: string;
  readonly #records: WriteRecord[] = [];
  #life: Life | undefined;
  #lives = 0;
  #finished = false;
  #writing: Promise<void> | undefined;

  constructor(cluster: ClusterAccess, suffix: string) {
    this.#cluster = cluster;
    this.#suffix = suffix;
  }

  write(): Promise<void> {
    if (this.#finished || this.#records.length >= MOST_WRITES) return Promise.resolve();
    this.#writing = this.#write();
    return this.#writing;
  }

  async #write(): Promise<void> {
    const life = (this.#life ??= this.#newLife());
    const verb = life.left.shift() ?? "create";
    const record: WriteRecord = {
      atMs: this.#cluster.clock.nowMs(),
      verb,
      key: life.key,
      ...(verb === "delete" ? {} : { value: `write ${this.#records.length}` }),
      outcome: "ok",
    };
    try {
      const object = await this.#send(record, life.object);
      if (object) {
        record.resourceVersion = object.metadata.resourceVersion;
        life.object = object;
      }
    } catch (err) {
      record.outcome = isPassing(err) ? "unknown" : "failed";
      record.error = err instanceof Error ? err.message : String(err);
    }
    const readBack = await this.#read(life.key).catch(() => undefined);
    if (readBack !== undefined) record.readBack = readBack;
    this.#records.push(record);
    // After anything but a clear answer the object is left as it is: a write may still arrive.
    if (record.outcome !== "ok" || life.left.length === 0) this.#life = undefined;
  }

  #newLife(): Life {
    const left = [...(LIVES[this.#lives % 4 === 3 ? 1 : 0] ?? [])];
    return { key: `chaos-write-${this.#suffix}-${this.#lives++}`, left };
  }

  /** Answers what is acknowledged to be there; nothing for a deletion. */
  async #send(
    { verb, key, value = "" }: WriteRecord,
    object: ConfigMap | undefined,
  ): Promise<ConfigMap | undefined> {
    const { client } = this.#cluster;
    const at = { namespace: NAMESPACE, name: key };
    if (verb === "delete") {
      await client.delete(configMaps, at);
      return undefined;
    }
    if (verb === "update" && object) return client.update(configMaps, { ...object, data: { value } });
    return client.create(configMaps, { metadata: { ...at, labels: { [LABEL]: "writes" } }, data: { value } });
  }

  async #read(key: string): Promise<string | null> {
    try {
      const object = await this.#cluster.client.get(configMaps, { namespace: NAMESPACE, name: key });
      return object.data?.["value"] ?? "";
    } catch (err) {
      if (isNotFound(err)) return null;
      throw err;
    }
  }

  /** What is there at the end goes to the last write of each object; then the objects go. */
  async finish(): Promise<WriteRecord[]> {
    this.#finished = true;
    await this.#writing;
    const values = await this.#readAll();
    const last = new Map(this.#records.map((record) => [record.key, record]));
    if (values) for (const [key, record] of last) record.finally = values.get(key) ?? null;
    const { client } = this.#cluster;
    await client
      .deleteCollection(configMaps, { namespace: NAMESPACE, labelSelector: `${LABEL}=writes` })
      .catch(() => {});
    return this.#records;
  }

  async #readAll(): Promise<Map<string, string> | undefined> {
    const { client, clock } = this.#cluster;
    for (let tries = 0; tries < FINAL_TRIES; tries++) {
      try {
        const { items } = await client.list(configMaps, {
          namespace: NAMESPACE,
          labelSelector: `${LABEL}=writes`,
        });
        return new Map(items.map(({ metadata, data }) => [metadata.name, data?.["value"] ?? ""]));
      } catch (err) {
        if (!isPassing(err)) throw err;
        await clock.sleep(RETRY_MS);
      }
    }
    return undefined;
  }
}
