/** Reads the parameters of a fault point; each throws RangeError on a wrong value. */
export class FaultParameters {
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>, known: readonly string[]) {
    const unknown = Object.keys(values).find((name) => !known.includes(name));
    if (unknown !== undefined) throw new RangeError(`unknown parameter "${unknown}"`);
    this.#values = values;
  }

  /** Not negative; 0 when absent. */
  number(name: string, most = Number.MAX_SAFE_INTEGER): number {
    const value = this.#values[name] ?? 0;
    if (typeof value === "number" && value >= 0 && value <= most) return value;
    throw new RangeError(`${name} must be a number from 0 to ${most}`);
  }

  percent(name: string): number {
    return this.number(name, 100);
  }

  flag(name: string): boolean {
    const value = this.#values[name] ?? false;
    if (typeof value === "boolean") return value;
    throw new RangeError(`${name} must be true or false`);
  }

  text(name: string): string | undefined {
    const value = this.#values[name];
    if (value === undefined || typeof value === "string") return value;
    throw new RangeError(`${name} must be a string`);
  }

  oneOf<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const value = this.text(name);
    if (value === undefined || (choices as readonly string[]).includes(value)) return value as T | undefined;
    throw new RangeError(`${name} must be one of ${choices.join(", ")}`);
  }

  /** Undefined when absent: everything is meant. */
  texts(name: string): ReadonlySet<string> | undefined {
    const value = this.#values[name];
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.every((entry) => typeof entry === "string")) return new Set(value);
    throw new RangeError(`${name} must be a list of strings`);
  }
}
