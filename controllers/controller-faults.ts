import { ActiveFaults } from "../machinery/runtime/active-faults.js";

interface ControllerFault {
  /** Absent means all. */
  controllers: ReadonlySet<string> | undefined;
  /** Works on nothing. */
  paused: boolean;
  /** What changed is looked at so much later, and once for all that came meanwhile. */
  delayMs: number;
}

/** What one controller asks before it works. */
export interface ControllerPace {
  /** 0 unless a fault acts. */
  delayMs(): number;
  /** Resolves when it may work; undefined: at once. Never rejects. */
  mayWork(signal: AbortSignal): Promise<void> | undefined;
}

/** Controllers that work late, or not at all. */
export class ControllerFaults {
  readonly #active = new ActiveFaults<ControllerFault>();
  add(fault: ControllerFault): () => void {
    return this.#active.add(fault);
  }

  of(name: string): ControllerPace {
    const find = (matches: (fault: ControllerFault) => boolean): ControllerFault | undefined =>
      this.#active.none
        ? undefined
        : this.#active.find((fault) => (fault.controllers?.has(name) ?? true) && matches(fault));
    const isPaused = (): boolean => find(({ paused }) => paused) !== undefined;
    return {
      delayMs: () => find(({ delayMs }) => delayMs > 0)?.delayMs ?? 0,
      mayWork: (signal) => (isPaused() ? this.#until(() => !isPaused(), signal) : undefined),
    };
  }

  async #until(holds: () => boolean, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !holds()) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          stop();
          signal.removeEventListener("abort", wake);
          resolve();
        };
        const stop = this.#active.onChange(wake);
        signal.addEventListener("abort", wake, { once: true });
      });
    }
  }
}
