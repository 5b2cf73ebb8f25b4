/** Label values by label name, in the order in which the metric was declared. */
export type Labels = Readonly<Record<string, string | number>>;

interface Family {
  name: string;
  type: "counter" | "gauge" | "histogram";
  help: string;
  /** Lines of samples. */
  write(): Iterable<string>;
}

export interface Counter {
  inc(labels?: Labels, by?: number): void;
}
export interface Gauge {
  set(value: number, labels?: Labels): void;
}
export interface Histogram {
  observe(value: number, labels?: Labels): void;
}

/** Metrics of one process in Prometheus' text form. Declaring a name twice is a mistake of the program. */
export class MetricsRegistry {
  readonly #families = new Map<string, Family>();

  counter(name: string, help: string): Counter {
    const series = new Series(name);
    this.#add({ name, type: "counter", help, write: () => series.lines() });
    return { inc: (labels = {}, by = 1) => series.add(labels, by) };
  }

  gauge(name: string, help: string): Gauge {
    const series = new Series(name);
    this.#add({ name, type: "gauge", help, write: () => series.lines() });
    return { set: (value, labels = {}) => series.set(labels, value) };
  }

  /** A gauge or counter that is asked for its samples when they are wanted. */
  collected(
    type: "counter" | "gauge",
    name: string,
    help: string,
    collect: () => Iterable<readonly [Labels, number]>,
  ): void {
    this.#add({
      name,
      type,
      help,
      *write() {
        for (const [labels, value] of collect()) yield sample(name, labelText(labels), value);
      },
    });
  }

  /** `buckets`: upper bounds, rising; +Inf is added. */
  histogram(name: string, help: string, buckets: readonly number[]): Histogram {
    const series = new Buckets(name, buckets);
    this.#add({ name, type: "histogram", help, write: () => series.lines() });
    return { observe: (value, labels = {}) => series.observe(labels, value) };
  }

  expose(): string {
    const lines: string[] = [];
    for (const family of [...this.#families.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      lines.push(`# HELP ${family.name} ${family.help}`, `# TYPE ${family.name} ${family.type}`);
      lines.push(...family.write());
    }
    return `${lines.join("\n")}\n`;
  }

  #add(family: Family): void {
    if (this.#families.has(family.name)) throw new RangeError(`metric ${family.name} exists already`);
    this.#families.set(family.name, family);
  }
}

class Series {
  readonly #name: string;
  readonly #values = new Map<string, number>();

  constructor(name: string) {
    this.#name = name;
  }

  add(labels: Labels, by: number): void {
    const key = labelText(labels);
    this.#values.set(key, (this.#values.get(key) ?? 0) + by);
  }

  set(labels: Labels, value: number): void {
    this.#values.set(labelText(labels), value);
  }

  *lines(): Generator<string> {
    for (const [labels, value] of this.#values) yield sample(this.#name, labels, value);
  }
}

class Buckets {
  readonly #name: string;
  readonly #bounds: readonly number[];
  readonly #series = new Map<string, { counts: number[]; sum: number; count: number }>();

  constructor(name: string, bounds: readonly number[]) {
    this.#name = name;
    this.#bounds = bounds;
  }

  observe(labels: Labels, value: number): void {
    const key = labelText(labels);
    let series = this.#series.get(key);
    if (!series) {
      series = { counts: this.#bounds.map(() => 0), sum: 0, count: 0 };
      this.#series.set(key, series);
    }
    const at = this.#bounds.findIndex((bound) => value <= bound);
    if (at >= 0) series.counts[at] = (series.counts[at] ?? 0) + 1;
    series.sum += value;
    series.count++;
  }

  *lines(): Generator<string> {
    for (const [labels, { counts, sum, count }] of this.#series) {
      const prefix = labels === "" ? "" : `${labels},`;
      let below = 0;
      for (const [i, bound] of this.#bounds.entries()) {
        below += counts[i] ?? 0;
        yield sample(`${this.#name}_bucket`, `${prefix}le="${bound}"`, below);
      }
      yield sample(`${this.#name}_bucket`, `${prefix}le="+Inf"`, count);
      yield sample(`${this.#name}_sum`, labels, sum);
      yield sample(`${this.#name}_count`, labels, count);
    }
  }
}

const sample = (name: string, labels: string, value: number): string =>
  labels === "" ? `${name} ${value}` : `${name}{${labels}} ${value}`;

function labelText(labels: Labels): string {
  let text = "";
  for (const name of Object.keys(labels)) {
    text += `${text === "" ? "" : ","}${name}="${escapeLabel(String(labels[name]))}"`;
  }
  return text;
}

const escapeLabel = (value: string): string =>
  /[\\"\n]/.test(value)
    ? value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")
    : value;
