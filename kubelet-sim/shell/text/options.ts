export interface OptionSpec {
  /** Letters without a value. */
  flags?: string;
  /** Letters with one. */
  values?: string;
  /** Long names without dashes, each standing for a letter or, without a letter, for itself. */
  long?: Readonly<Record<string, string>>;
  /** `-5` is `-n 5`. */
  counts?: boolean;
  /** Stop at the first operand, as POSIX has it; default: options may follow operands. */
  strict?: boolean;
}

export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** What getopt_long finds. */
export class Options {
  readonly operands: string[] = [];
  readonly #flags = new Map<string, number>();
  readonly #values = new Map<string, string[]>();

  has(name: string): boolean {
    return this.#flags.has(name) || this.#values.has(name);
  }
  /** How often a flag was given. */
  count(name: string): number {
    return this.#flags.get(name) ?? 0;
  }
  /** The last value given. */
  value(name: string): string | undefined {
    return this.#values.get(name)?.at(-1);
  }
  all(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }
  addFlag(name: string): void {
    this.#flags.set(name, this.count(name) + 1);
  }
  addValue(name: string, value: string): void {
    this.#values.set(name, [...this.all(name), value]);
  }
}

/** Throws UsageError with getopt's words. */
export function parseOptions(args: readonly string[], spec: OptionSpec): Options {
  const options = new Options();
  const { flags = "", values = "", long = {} } = spec;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? "";
    if (arg === "--") {
      options.operands.push(...args.slice(i + 1));
      break;
    }
    if (spec.counts && /^-\d+$/.test(arg)) options.addValue("n", arg.slice(1));
    else if (arg.startsWith("--")) i += takeLong(options, arg, args[i + 1], long, values);
    else if (arg.startsWith("-") && arg !== "-") i += takeShort(options, arg, args[i + 1], flags, values);
    else if (spec.strict) {
      options.operands.push(...args.slice(i));
      break;
    } else options.operands.push(arg);
  }
  return options;
}

function takeLong(
  options: Options,
  arg: string,
  next: string | undefined,
  long: Readonly<Record<string, string>>,
  values: string,
): number {
  const equals = arg.indexOf("=");
  const given = equals < 0 ? arg.slice(2) : arg.slice(2, equals);
  const candidates = Object.keys(long).filter((name) => name.replace(/=$/, "").startsWith(given));
  const exact = candidates.find((name) => name.replace(/=$/, "") === given);
  const found = exact ?? (candidates.length === 1 ? candidates[0] : undefined);
  if (found === undefined) throw new UsageError(`unrecognized option '--${given}'`);
  const name = long[found] || found.replace(/=$/, "");
  const takesValue = found.endsWith("=") || (name.length === 1 && values.includes(name));
  if (!takesValue) {
    options.addFlag(name);
    return 0;
  }
  const value = equals < 0 ? next : arg.slice(equals + 1);
  if (value === undefined) throw new UsageError(`option '--${given}' requires an argument`);
  options.addValue(name, value);
  return equals < 0 ? 1 : 0;
}

function takeShort(
  options: Options,
  arg: string,
  next: string | undefined,
  flags: string,
  values: string,
): number {
  for (let i = 1; i < arg.length; i++) {
    const letter = arg[i] ?? "";
    if (flags.includes(letter)) options.addFlag(letter);
    else if (values.includes(letter)) {
      const inline = arg.slice(i + 1);
      const value = inline === "" ? next : inline;
      if (value === undefined) throw new UsageError(`option requires an argument -- '${letter}'`);
      options.addValue(letter, value);
      return inline === "" ? 1 : 0;
    } else throw new UsageError(`invalid option -- '${letter}'`);
  }
  return 0;
}
