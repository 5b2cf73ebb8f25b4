import { createInterface } from "node:readline/promises";
import type { Logger } from "../../machinery/api/logger.js";
import type { SimulatedCluster } from "../../simulation/cluster.js";
import { SIMULATION_START_MS } from "../../simulation/virtual-clock.js";
import type { CliContext } from "../command.js";

interface Line {
  atMs: number;
  component: string;
  text: string;
}

/** Every event of one run in the order of time: revisions of the store, log lines of components, connections, faults. */
export class Trace {
  readonly #lines: Line[] = [];
  #cluster: SimulatedCluster | undefined;

  readonly logger: Logger = this.#loggerOf("cluster");

  follow(cluster: SimulatedCluster): void {
    this.#cluster = cluster;
    cluster.world.disk.follow(({ item, deleted, atMs }) => {
      const verb = deleted ? "deleted" : item.createRevision === item.revision ? "created" : "updated";
      this.#lines.push({
        atMs: atMs - SIMULATION_START_MS,
        component: "store",
        text: `${item.revision} ${verb} ${item.key}`,
      });
    });
  }

  note(component: string, text: string): void {
    this.#lines.push({ atMs: this.#nowMs, component, text });
  }

  /** All of it; on a terminal, one line for each Enter (`q` ends, `c` goes on to the end). */
  async show(context: CliContext): Promise<void> {
    const lines = this.#sorted();
    const write = (line: Line): void => void context.stdout.write(`${format(line)}\n`);
    if (!context.stdin.isTTY || !context.stdout.isTTY) return lines.forEach(write);
    const terminal = createInterface({ input: context.stdin, output: context.stdout });
    let free = false;
    for (const line of lines) {
      if (free) {
        write(line);
        continue;
      }
      const answer = await terminal.question(`${format(line)} `, { signal: context.signal });
      if (answer === "q") break;
      free = answer === "c";
    }
    terminal.close();
  }

  get #nowMs(): number {
    return this.#cluster?.clock.monotonicMs() ?? 0;
  }

  #sorted(): Line[] {
    const flows = (this.#cluster?.flows() ?? []).map(
      ({ atMs, source, destination, pod, backend, outcome, reason, node, tableRevision }) => ({
        atMs: atMs - SIMULATION_START_MS,
        component: "dataplane",
        text: `${source} → ${destination}${backend ? ` → ${backend}` : ""}${pod ? ` (${pod})` : ""} ${outcome}${reason ? `: ${reason}` : ""} by ${node ?? "?"}@${tableRevision ?? 0}`,
      }),
    );
    return [...this.#lines, ...flows].sort((a, b) => a.atMs - b.atMs);
  }

  #loggerOf(component: string): Logger {
    const log = (message: string, fields: Record<string, unknown> = {}): void =>
      this.note(nameIn(fields) ?? component, `${message} ${JSON.stringify(fields)}`);
    return {
      debug: () => {},
      info: log,
      warn: log,
      error: log,
      child: (fields) => this.#loggerOf(nameIn(fields) ?? component),
    };
  }
}

const format = ({ atMs, component, text }: Line): string =>
  `${(atMs / 1000).toFixed(6).padStart(12)}s  ${component.padEnd(11)} ${text}`;

const nameIn = ({ component }: Record<string, unknown>): string | undefined =>
  typeof component === "string" ? component : undefined;
