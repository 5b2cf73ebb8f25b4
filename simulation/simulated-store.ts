import type { StoreControl } from "../chaos/reach.js";
import type { SimulatedDisk } from "./simulated-disk.js";

/** The file of a simulated API server that does not run. */
export class SimulatedStore implements StoreControl {
  readonly #disk: SimulatedDisk;
  readonly #saved = new Map<string, ReturnType<SimulatedDisk["copy"]>>();

  constructor(disk: SimulatedDisk) {
    this.#disk = disk;
  }

  async save(name: string): Promise<void> {
    this.#mayTouch();
    if (!this.#saved.has(name)) this.#saved.set(name, this.#disk.copy());
  }

  async restore(name: string): Promise<void> {
    this.#mayTouch();
    const saved = this.#saved.get(name);
    if (saved) this.#disk.replace(saved);
    this.#saved.delete(name);
  }

  async flipBit(draw: number): Promise<void> {
    this.#mayTouch();
    this.#disk.damage(draw);
  }

  #mayTouch(): void {
    if (this.#disk.isOpen) throw new RangeError("the API server runs: its file is its own");
  }
}
