import { copyFileSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { StoreControl } from "../../chaos/reach.js";
import type { ClusterDir } from "./cluster.js";

/** The database and the log that belongs to it. */
const SUFFIXES = ["", "-wal"];

export interface LiveStoreOptions {
  dir: ClusterDir;
  /** Faults may be made; putting a copy back is always allowed. */
  enabled: boolean;
  isServerStopped(): boolean;
}

/** The file of a stopped API server. */
export class LiveStore implements StoreControl {
  readonly #options: LiveStoreOptions;

  constructor(options: LiveStoreOptions) {
    this.#options = options;
  }

  async save(name: string): Promise<void> {
    this.#mayTouch(true);
    const folder = this.#folder(name);
    if (existsSync(folder)) return;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const suffix of SUFFIXES) copyIfThere(`${this.#file}${suffix}`, join(folder, `kubesim.db${suffix}`));
  }

  async restore(name: string): Promise<void> {
    this.#mayTouch(false);
    const folder = this.#folder(name);
    if (!existsSync(folder)) return;
    for (const suffix of [...SUFFIXES, "-shm"]) rmSync(`${this.#file}${suffix}`, { force: true });
    for (const suffix of SUFFIXES) copyIfThere(join(folder, `kubesim.db${suffix}`), `${this.#file}${suffix}`);
    rmSync(folder, { recursive: true, force: true });
  }

  async flipBit(draw: number): Promise<void> {
    this.#mayTouch(true);
    const { flipBit } = await import("../../apiserver/storage/flip-bit.js");
    flipBit(this.#file, draw);
  }

  get #file(): string {
    return join(this.#options.dir.path, "kubesim.db");
  }

  /** Names come from scenarios: nothing of them reaches a path but letters, digits and dashes. */
  #folder(name: string): string {
    return join(this.#options.dir.path, "saved", name.replace(/[^a-zA-Z0-9-]/g, "_"));
  }

  #mayTouch(asFault: boolean): void {
    if (asFault && !this.#options.enabled)
      throw new RangeError("faults are off: start the cluster with --chaos");
    if (!this.#options.isServerStopped()) throw new RangeError("the API server runs: its file is its own");
  }
}

function copyIfThere(from: string, to: string): void {
  if (existsSync(from)) copyFileSync(from, to);
}
