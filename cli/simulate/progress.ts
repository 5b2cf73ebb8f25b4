import type { CliContext } from "../command.js";
import type { Exploration } from "./explore.js";

const REDRAW_MS = 100;

/** One line that is drawn again and again; nothing where nobody looks. */
export class Progress {
  readonly #context: CliContext;
  readonly #seeds: number;
  readonly #shown: boolean;
  readonly #startedMs: number;
  #drawnMs = Number.NEGATIVE_INFINITY;

  constructor(options: { context: CliContext; seeds: number; quiet: boolean }) {
    this.#context = options.context;
    this.#seeds = options.seeds;
    this.#shown = !options.quiet && options.context.stderr.isTTY === true;
    this.#startedMs = options.context.clock.monotonicMs();
  }

  get tookMs(): number {
    return this.#context.clock.monotonicMs() - this.#startedMs;
  }

  seeds({ seeds, violated, couldNotRun }: Exploration): void {
    const perMinute = Math.round((seeds / this.tookMs) * 60_000);
    const bad = couldNotRun.length > 0 ? `, ${couldNotRun.length} could not run` : "";
    this.line(`${seeds}/${this.#seeds} seeds, ${violated} violated${bad}, ${perMinute} a minute`);
  }

  line(text: string): void {
    const nowMs = this.#context.clock.monotonicMs();
    if (!this.#shown || nowMs - this.#drawnMs < REDRAW_MS) return;
    this.#drawnMs = nowMs;
    this.#context.stderr.write(`\r\u001b[K${text}`);
  }

  /** Leaves nothing on the screen. */
  end(): void {
    if (this.#shown) this.#context.stderr.write("\r\u001b[K");
  }
}
