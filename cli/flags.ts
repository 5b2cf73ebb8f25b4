import { UserError } from "./supervisor/cluster.js";

/**
 * kubectl's flags (pflag): `-o=wide`, `-owide`, `-o wide`, `-it`, `--watch=false`, `--`, flags after positionals.
 * `bool` takes no separate value; `optional` may stand alone (`--dry-run`) and then means `bare`.
 */
export interface FlagSpec {
  kind: "string" | "list" | "bool" | "int" | "optional";
  short?: string;
  /** Text in help; upper-case word names the value. */
  help: string;
  default?: string | boolean | number;
  /** What an `optional` flag means without a value. */
  bare?: string;
}

export type FlagSpecs = Readonly<Record<string, FlagSpec>>;

type ValueOf<S extends FlagSpec> = S["kind"] extends "bool"
  ? boolean
  : S["kind"] extends "list"
    ? string[]
    : S["kind"] extends "int"
      ? number | undefined
      : string | undefined;

export interface Parsed<S extends FlagSpecs> {
  flags: { [K in keyof S]: ValueOf<S[K]> };
  /** Which flags were given, defaults aside. */
  given: ReadonlySet<string>;
  positionals: string[];
  /** What followed `--`; undefined when there was none. */
  afterDash: string[] | undefined;
}

/** Asked for help: the caller prints usage and exits 0. */
export class HelpRequested extends Error {
  override readonly name = "HelpRequested";
  readonly specs: FlagSpecs;
  constructor(specs: FlagSpecs) {
    super("help requested");
    this.specs = specs;
  }
}

/** Throws UserError (exit code 2) in pflag's words. `stopAtPositional` leaves flags after the first argument alone. */
export function parseFlags<S extends FlagSpecs>(args: readonly string[], specs: S): Parsed<S> {
  const values: Record<string, unknown> = Object.create(null);
  for (const [name, spec] of Object.entries(specs)) values[name] = initialValue(spec);
  const given = new Set<string>();
  const positionals: string[] = [];
  const rest = [...args];
  let afterDash: string[] | undefined;
  const set = (name: string, spec: FlagSpec, text: string): void => {
    given.add(name);
    if (spec.kind === "list") (values[name] as string[]).push(text);
    else values[name] = convert(name, spec, text);
  };
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === "--") {
      afterDash = rest.splice(0);
    } else if (arg.startsWith("--")) {
      takeLong(arg, specs, rest, set);
    } else if (arg.startsWith("-") && arg !== "-") {
      takeShort(arg, specs, rest, set);
    } else positionals.push(arg);
  }
  return { flags: values as Parsed<S>["flags"], given, positionals, afterDash };
}

const initialValue = (spec: FlagSpec): unknown =>
  spec.kind === "list" ? [] : (spec.default ?? (spec.kind === "bool" ? false : undefined));

type Setter = (name: string, spec: FlagSpec, text: string) => void;

function takeLong(arg: string, specs: FlagSpecs, rest: string[], set: Setter): void {
  const equals = arg.indexOf("=");
  const name = equals < 0 ? arg.slice(2) : arg.slice(2, equals);
  if (name === "help") throw new HelpRequested(specs);
  const spec = Object.hasOwn(specs, name) ? specs[name] : undefined;
  if (!spec) throw new UserError(`unknown flag: --${name}`, 2);
  if (equals >= 0) set(name, spec, arg.slice(equals + 1));
  else set(name, spec, valueAfter(`--${name}`, spec, rest));
}

function takeShort(arg: string, specs: FlagSpecs, rest: string[], set: Setter): void {
  for (let i = 1; i < arg.length; i++) {
    const letter = arg.charAt(i);
    const found = Object.entries(specs).find(([, spec]) => spec.short === letter);
    if (!found) {
      if (letter === "h") throw new HelpRequested(specs);
      throw new UserError(`unknown shorthand flag: '${letter}' in ${arg}`, 2);
    }
    const [name, spec] = found;
    const remainder = arg.slice(i + 1);
    if (remainder.startsWith("=")) return set(name, spec, remainder.slice(1));
    if (spec.kind === "bool") {
      set(name, spec, "true");
      continue;
    }
    return set(name, spec, remainder === "" ? valueAfter(`-${letter}`, spec, rest) : remainder);
  }
}

function valueAfter(flag: string, spec: FlagSpec, rest: string[]): string {
  if (spec.kind === "bool") return "true";
  if (spec.kind === "optional") return spec.bare ?? "";
  const value = rest.shift();
  if (value === undefined) {
    throw new UserError(
      flag.startsWith("--")
        ? `flag needs an argument: ${flag}`
        : `flag needs an argument: '${flag.slice(1)}' in ${flag}`,
      2,
    );
  }
  return value;
}

function convert(name: string, spec: FlagSpec, text: string): string | boolean | number {
  const flag = spec.short ? `"-${spec.short}, --${name}"` : `"--${name}"`;
  switch (spec.kind) {
    case "bool":
      if (/^(1|t|true|T|TRUE|True)$/.test(text)) return true;
      if (/^(0|f|false|F|FALSE|False)$/.test(text)) return false;
      throw new UserError(
        `invalid argument "${text}" for ${flag} flag: strconv.ParseBool: parsing "${text}": invalid syntax`,
        2,
      );
    case "int":
      if (/^-?\d+$/.test(text)) return Number(text);
      throw new UserError(
        `invalid argument "${text}" for ${flag} flag: strconv.ParseInt: parsing "${text}": invalid syntax`,
        2,
      );
    case "string":
    case "list":
    case "optional":
      return text;
  }
}

/** The options section of a verb's help. */
export function describeFlags(specs: FlagSpecs): string {
  return Object.entries(specs)
    .map(([name, spec]) => {
      const short = spec.short ? `-${spec.short}, ` : "    ";
      const initial =
        spec.kind === "list"
          ? "[]"
          : spec.kind === "bool"
            ? String(spec.default ?? false)
            : `'${spec.default ?? ""}'`;
      return `    ${short}--${name}=${initial}:\n\t${spec.help}\n`;
    })
    .join("\n");
}
