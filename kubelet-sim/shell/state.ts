import type { Command } from "./ast.js";

/** Printed after the shell's name; a shell that is not interactive ends with status 2. */
export class ShellError extends Error {
  override readonly name = "ShellError";
  readonly status: number;
  constructor(message: string, status = 2) {
    super(message);
    this.status = status;
  }
}

const LONGEST_VALUE = 16 * 1024 * 1024;
const DEEPEST_CALLS = 1000;

export interface Variable {
  value: string | undefined;
  exported: boolean;
  readonly: boolean;
}

/** All that a subshell inherits. */
export class ShellState {
  readonly name: string;
  positional: string[];
  readonly variables: Map<string, Variable>;
  readonly functions: Map<string, Command>;
  /** Letters of `set`: `e`, `u`, `x`, `f`, `n`, and `pipefail`. */
  readonly options: Set<string>;
  /** Command by signal name without SIG; `EXIT` for the end. An empty command ignores the signal. */
  readonly traps = new Map<string, string>();
  readonly #locals: Map<string, Variable | undefined>[] = [];
  lastStatus = 0;
  lastBackgroundPid: number | undefined;
  shellPid: number;

  constructor(name: string, positional: readonly string[], shellPid: number, from?: ShellState) {
    this.name = name;
    this.positional = [...positional];
    this.shellPid = shellPid;
    this.variables = new Map([...(from?.variables ?? [])].map(([key, variable]) => [key, { ...variable }]));
    this.functions = new Map(from?.functions);
    this.options = new Set(from?.options);
    this.lastStatus = from?.lastStatus ?? 0;
    this.lastBackgroundPid = from?.lastBackgroundPid;
    for (const [signal, action] of from?.traps ?? []) if (action === "") this.traps.set(signal, action);
  }

  clone(): ShellState {
    return new ShellState(this.name, this.positional, this.shellPid, this);
  }

  importEnvironment(env: ReadonlyMap<string, string>): void {
    for (const [name, value] of env) this.variables.set(name, { value, exported: true, readonly: false });
  }

  environment(): Map<string, string> {
    const env = new Map<string, string>();
    for (const [name, { value, exported }] of this.variables) {
      if (exported && value !== undefined) env.set(name, value);
    }
    return env;
  }

  /** A variable, position or special parameter; undefined when unset. `@` and `*` are the expander's. */
  get(name: string): string | undefined {
    if (/^\d+$/.test(name)) return name === "0" ? this.name : this.positional[Number(name) - 1];
    switch (name) {
      case "?":
        return String(this.lastStatus);
      case "#":
        return String(this.positional.length);
      case "$":
        return String(this.shellPid);
      case "!":
        return this.lastBackgroundPid === undefined ? undefined : String(this.lastBackgroundPid);
      case "-":
        return [...this.options].filter((option) => option.length === 1).join("");
      default:
        return this.variables.get(name)?.value;
    }
  }

  /** Throws ShellError for a read-only variable. */
  set(name: string, value: string | undefined): void {
    if (value !== undefined && value.length > LONGEST_VALUE) throw new ShellError("out of memory");
    const variable = this.variables.get(name);
    if (variable?.readonly) throw new ShellError(`${name}: is read only`);
    if (variable) variable.value = value;
    else this.variables.set(name, { value, exported: this.options.has("a"), readonly: false });
  }

  unset(name: string): void {
    if (this.variables.get(name)?.readonly) throw new ShellError(`${name}: is read only`);
    this.variables.delete(name);
  }

  mark(name: string, marks: Partial<Pick<Variable, "exported" | "readonly">>): void {
    const variable = this.variables.get(name) ?? { value: undefined, exported: false, readonly: false };
    this.variables.set(name, { ...variable, ...marks });
  }

  /** Throws ShellError when functions call each other without end. */
  enterFunction(): void {
    if (this.#locals.length >= DEEPEST_CALLS)
      throw new ShellError("maximum function recursion depth reached");
    this.#locals.push(new Map());
  }

  leaveFunction(): void {
    for (const [name, variable] of this.#locals.pop() ?? []) {
      if (variable) this.variables.set(name, variable);
      else this.variables.delete(name);
    }
  }

  /** False outside of a function. */
  declareLocal(name: string): boolean {
    const scope = this.#locals.at(-1);
    if (!scope) return false;
    if (scope.has(name)) return true;
    const variable = this.variables.get(name);
    scope.set(name, variable && { ...variable });
    this.variables.set(name, { value: undefined, exported: variable?.exported ?? false, readonly: false });
    return true;
  }
}
