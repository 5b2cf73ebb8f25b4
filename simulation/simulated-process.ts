import type { Clock, Timer } from "../machinery/api/clock.js";
import type { Logger } from "../machinery/api/logger.js";
import type { Rng } from "../machinery/api/rng.js";
import type { AdminHandlers } from "../machinery/runtime/admin-server.js";
import { clockFault } from "../machinery/runtime/clock-fault.js";
import { FaultPoints } from "../machinery/runtime/fault-points.js";
import { defineStressFaults } from "../machinery/runtime/stress-faults.js";
import { SimulatedLoad } from "./simulated-load.js";
import { SkewableClock } from "../machinery/runtime/skewable-clock.js";

/** What one start of a process is given. */
export interface Launch {
  clock: SkewableClock;
  /** Another one for each generation. */
  rng: Rng;
  /** 1 for the first start. */
  generation: number;
  faults: FaultPoints;
  logger: Logger;
  /** SIGTERM. */
  signal: AbortSignal;
}

/** A running process, as its supervisor and its kernel know it. */
export interface Running {
  /** Settles when it has ended after SIGTERM, or rejects when it crashed. */
  done: Promise<unknown>;
  handlers: AdminHandlers;
  ready(): boolean;
  /** It has ended, however: the kernel closes its sockets. */
  ended(): void;
}

interface Incarnation {
  running: Running;
  clock: SkewableClock;
  faults: FaultPoints;
  /** Right about wall time whatever fault acts on the process's own; ends with it, as its leases do. */
  leaseClock: SkewableClock;
  load: SimulatedLoad;
  stopping: AbortController;
  isPaused: boolean;
  startedMs: number;
}

const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 10_000;
const STEADY_MS = 30_000;
const TERMINATION_GRACE_MS = 2000;
/** From `exec` to the first line of the program. */
const START_MS = { min: 150, max: 400 };

export interface SimulatedProcessOptions {
  name: string;
  master: Clock;
  rng: Rng;
  logger: Logger;
  launch: (launch: Launch) => Running;
  /** What it has open as a client. */
  sockets?: (clock: SkewableClock) => number;
  /** Stands still with the process: what only moves because it runs. */
  carried?: SkewableClock;
}

/** One supervised process: objects that are made anew at each start, and what signals do to them. */
export class SimulatedProcess {
  readonly name: string;
  readonly #options: SimulatedProcessOptions;
  #current: Incarnation | undefined;
  #generation = 0;
  #keptDown = false;
  #backoffMs = FIRST_BACKOFF_MS;
  #restart: Timer | undefined;
  /** Why it crashed, each time it did. */
  readonly crashes: unknown[] = [];
  /** Why it refused to start, each time it did. */
  readonly failedStarts: unknown[] = [];

  constructor(options: SimulatedProcessOptions) {
    this.name = options.name;
    this.#options = options;
  }

  get restarts(): number {
    return Math.max(0, this.#generation - 1);
  }

  get isRunning(): boolean {
    return this.#current !== undefined;
  }

  get isReady(): boolean {
    return this.#current?.running.ready() ?? false;
  }

  get clock(): SkewableClock | undefined {
    return this.#current?.clock;
  }

  get faults(): FaultPoints | undefined {
    return this.#current?.faults;
  }

  get handlers(): AdminHandlers | undefined {
    const current = this.#current;
    if (!current) return undefined;
    const { clock, running, faults } = current;
    const { name, sockets = () => 0 } = this.#options;
    return {
      "GET /resources": () => ({
        start: `${name}/${this.#generation}`,
        counts: { timers: clock.pending, sockets: sockets(clock) },
      }),
      ...running.handlers,
      ...faults.handlers(),
    };
  }

  /** At once, without the time that a start takes. */
  launch(): void {
    const { master, rng, logger, launch, carried } = this.#options;
    const generation = ++this.#generation;
    const clock = new SkewableClock(master);
    const leaseClock = new SkewableClock(master);
    const faults = new FaultPoints({ clock: leaseClock, enabled: true });
    faults.define(clockFault(clock, leaseClock));
    const load = new SimulatedLoad(leaseClock, [clock, ...(carried ? [carried] : [])]);
    defineStressFaults(faults, leaseClock, load);
    const stopping = new AbortController();
    let running: Running;
    try {
      running = launch({
        clock,
        rng: generation === 1 ? rng : rng.fork(`generation-${generation}`),
        generation,
        faults,
        logger,
        signal: stopping.signal,
      });
    } catch (err) {
      // It could not even begin, as with a damaged file: it is tried again like any process that ends.
      clock.end();
      leaseClock.end();
      this.failedStarts.push(err);
      logger.error("Process cannot start", { process: this.name, err });
      return this.#startAfterBackoff();
    }
    const incarnation: Incarnation = {
      running,
      clock,
      faults,
      leaseClock,
      load,
      stopping,
      isPaused: false,
      startedMs: master.monotonicMs(),
    };
    this.#current = incarnation;
    running.done.then(
      () => this.#onEnd(incarnation),
      (err: unknown) => {
        if (this.#current !== incarnation || stopping.signal.aborted) return;
        this.crashes.push(err);
        logger.error("Process crashed", { process: this.name, err });
        this.#onEnd(incarnation);
      },
    );
  }

  /** SIGKILL; started again after the back-off. */
  kill(): void {
    if (this.#current) this.#onEnd(this.#current);
  }

  /** SIGTERM, and SIGKILL when the grace is over; resolves when it has ended. */
  async terminate(): Promise<void> {
    const incarnation = this.#current;
    if (!incarnation) return;
    const { master } = this.#options;
    incarnation.stopping.abort(new Error(`${this.name} is asked to stop`));
    const late = new AbortController();
    const grace = master.sleep(TERMINATION_GRACE_MS, late.signal).catch(() => {});
    await Promise.race([incarnation.running.done.catch(() => {}), grace]);
    late.abort();
    this.#onEnd(incarnation);
  }

  /** SIGKILL, and down until `start`. */
  stop(): void {
    this.#keptDown = true;
    this.#restart?.cancel();
    this.#restart = undefined;
    this.kill();
  }

  start(): void {
    if (!this.#keptDown) return;
    this.#keptDown = false;
    this.#startAfter(0);
  }

  /** SIGSTOP. */
  pause(): void {
    if (!this.#current || this.#current.isPaused) return;
    this.#current.isPaused = true;
    this.#current.clock.pause();
    this.#options.carried?.pause();
  }

  /** SIGCONT. */
  resume(): void {
    if (!this.#current?.isPaused) return;
    this.#current.isPaused = false;
    this.#current.clock.resume();
    this.#options.carried?.resume();
  }

  /** For the end of the simulation: no more starts. */
  async shutDown(): Promise<void> {
    this.#keptDown = true;
    this.#restart?.cancel();
    this.resume();
    await this.terminate();
  }

  #onEnd(incarnation: Incarnation): void {
    if (this.#current !== incarnation) return;
    this.#current = undefined;
    const { clock, leaseClock, running, startedMs } = incarnation;
    leaseClock.end();
    incarnation.load.end();
    clock.end();
    running.ended();
    if (incarnation.isPaused) this.#options.carried?.resume();
    if (this.#keptDown) return;
    const { master } = this.#options;
    if (master.monotonicMs() - startedMs > STEADY_MS) this.#backoffMs = FIRST_BACKOFF_MS;
    this.#startAfterBackoff();
  }

  #startAfterBackoff(): void {
    this.#startAfter(this.#backoffMs);
    this.#backoffMs = Math.min(LONGEST_BACKOFF_MS, this.#backoffMs * 2);
  }

  #startAfter(waitMs: number): void {
    const { master, rng } = this.#options;
    const startMs = rng.fork(`start-${this.#generation + 1}`).int(START_MS.min, START_MS.max);
    this.#restart = master.setTimer(waitMs + startMs, () => {
      this.#restart = undefined;
      if (!this.#keptDown && !this.#current) this.launch();
    });
  }
}
