import { FileError } from "../images/files.js";
import { type Child, type OpenFile, parseSignal, type Process, type Signal } from "../images/process.js";
import { ArithmeticError } from "./arithmetic.js";
import type { Command, List } from "./ast.js";
import { builtins } from "./builtins/builtins.js";
import { ControlFlow } from "./control-flow.js";
import { Expander } from "./expander.js";
import { runSimple } from "./simple-command.js";
import { Parser } from "./parser.js";
import { matchesPattern } from "./pattern.js";
import { withRedirects } from "./redirects.js";
import { ShellSyntaxError } from "./scanner.js";
import { ShellError, ShellState } from "./state.js";

const LARGEST_SUBSTITUTION_BYTES = 16 * 1024 * 1024;

/** Runs parsed scripts in a process. A subshell is another Shell in a child process. */
export class Shell {
  readonly process: Process;
  readonly state: ShellState;
  readonly expander: Expander;
  readonly jobs = new Map<number, Child>();
  readonly interactive: boolean;
  /** Above zero where a failing command does not end the shell in spite of `set -e`. */
  #tested = 0;
  #loopDepth = 0;
  #pendingTraps: string[] = [];
  #wakers: (() => void)[] = [];
  #substitutionStatus: number | undefined;

  constructor(process: Process, state: ShellState, interactive = false) {
    this.process = process;
    this.state = state;
    this.interactive = interactive;
    this.expander = new Expander({
      state,
      files: process.files,
      cwd: () => process.cwd,
      substitute: (list) => this.#substitute(list),
    });
    for (const [signal, action] of state.traps) this.setTrap(signal, action);
  }

  /** Runs to the end of the shell: exit status after the EXIT trap. */
  async runToExit(body: () => Promise<number>): Promise<number> {
    let status = await this.#statusOf(body);
    const onExit = this.state.traps.get("EXIT");
    if (onExit) {
      this.state.traps.delete("EXIT");
      this.state.lastStatus = status;
      const trapStatus = await this.#statusOf(() => this.runText(onExit), true);
      if (trapStatus >= 0) status = trapStatus;
    }
    return status & 0xff;
  }

  /** Parses and runs a text. `tail` lets its last command take the shell's place. */
  async runText(text: string, tail = false): Promise<number> {
    const parser = new Parser(text);
    let status = 0;
    for (let list = parser.next(); list; list = parser.next()) {
      status = await this.runList(list, tail && parser.atEnd);
    }
    return status;
  }

  async runList(list: List, tail = false): Promise<number> {
    let status = 0;
    for (const [i, { command, background }] of list.items.entries()) {
      if (background) status = this.#startJob(command);
      else status = await this.run(command, tail && i === list.items.length - 1);
      this.state.lastStatus = status;
      await this.runPendingTraps();
    }
    return status;
  }

  async run(command: Command, tail = false): Promise<number> {
    const status = await this.#dispatch(command, tail);
    this.state.lastStatus = status;
    const failed =
      status !== 0 &&
      (command.kind === "simple" || command.kind === "pipeline" || command.kind === "subshell");
    if (failed && this.state.options.has("e") && this.#tested === 0) throw new ControlFlow("exit", status);
    return status;
  }

  /** Starts a child that runs part of this shell. */
  fork(
    body: (shell: Shell) => Promise<number>,
    options: { descriptors?: ReadonlyMap<number, OpenFile>; background?: boolean } = {},
  ): Child {
    const state = this.state.clone();
    return this.process.spawn({
      argv: this.process.argv,
      env: this.state.environment(),
      ...options,
      run: (process) => {
        const shell = new Shell(process, state);
        shell.#loopDepth = this.#loopDepth;
        return shell.runToExit(() => body(shell));
      },
    });
  }

  async complain(message: string): Promise<void> {
    await this.process.stderr.write(`${this.state.name}: ${message}\n`);
  }

  isBuiltin(name: string): boolean {
    return Object.hasOwn(builtins, name);
  }

  /** The status that the last `$( )` left, for assignments without a command. */
  takeSubstitutionStatus(): number {
    const status = this.#substitutionStatus ?? 0;
    this.#substitutionStatus = undefined;
    return status;
  }

  get loopDepth(): number {
    return this.#loopDepth;
  }

  /** Inside a function, loops of the caller are out of reach; EXIT and signals are by name without SIG. */
  setTrap(signal: string, action: string | undefined): void {
    if (action === undefined) this.state.traps.delete(signal);
    else this.state.traps.set(signal, action);
    const number = signal === "EXIT" ? undefined : parseSignal(signal);
    if (!number) return;
    if (action === undefined) this.process.onSignal(number, "default");
    else if (action === "") this.process.onSignal(number, "ignore");
    else this.process.onSignal(number, () => this.#onTrapped(signal));
  }

  /** Resolves when a trapped signal arrives: what interrupts `wait`. */
  trapped(): Promise<void> {
    if (this.#pendingTraps.length > 0) return Promise.resolve();
    return new Promise((resolve) => this.#wakers.push(resolve));
  }

  get pendingTrapSignal(): Signal | undefined {
    return this.#pendingTraps[0] === undefined ? undefined : parseSignal(this.#pendingTraps[0]);
  }

  async runPendingTraps(): Promise<void> {
    for (let signal = this.#pendingTraps.shift(); signal !== undefined; signal = this.#pendingTraps.shift()) {
      const action = this.state.traps.get(signal);
      if (!action) continue;
      const status = this.state.lastStatus;
      await this.runText(action);
      this.state.lastStatus = status;
    }
  }

  #onTrapped(signal: string): void {
    this.#pendingTraps.push(signal);
    const wakers = this.#wakers;
    this.#wakers = [];
    for (const wake of wakers) wake();
  }

  /** -1 with `quiet` when the body ended by itself. */
  async #statusOf(body: () => Promise<number>, quiet = false): Promise<number> {
    try {
      const status = await body();
      return quiet ? -1 : status;
    } catch (err) {
      if (err instanceof ControlFlow) return err.kind === "exit" || err.kind === "return" ? err.value : 0;
      return this.report(err);
    }
  }

  /** Prints an error of the script and gives its status; anything else is thrown on. */
  async report(err: unknown): Promise<number> {
    if (
      err instanceof ShellError ||
      err instanceof ShellSyntaxError ||
      err instanceof ArithmeticError ||
      err instanceof FileError
    ) {
      await this.complain(err.message);
      return err instanceof ShellError ? err.status : 2;
    }
    throw err;
  }

  #dispatch(command: Command, tail: boolean): Promise<number> {
    switch (command.kind) {
      case "simple":
        return runSimple(this, command, tail);
      case "pipeline":
        return this.#pipeline(command.commands, command.negated);
      case "and-or":
        return this.#andOr(command, tail);
      case "function":
        this.state.functions.set(command.name, command.body);
        return Promise.resolve(0);
      default:
        return withRedirects(this, command.redirects, () => this.#compound(command));
    }
  }

  async #compound(
    command: Extract<Command, { kind: "subshell" | "group" | "for" | "while" | "if" | "case" }>,
  ): Promise<number> {
    switch (command.kind) {
      case "subshell":
        return (await this.fork((shell) => shell.runList(command.body, true)).exited).exitCode;
      case "group":
        return this.runList(command.body);
      case "for":
        return this.#for(command);
      case "while":
        return this.#while(command);
      case "if":
        return this.#if(command);
      case "case":
        return this.#case(command);
    }
  }

  async #andOr(command: Extract<Command, { kind: "and-or" }>, tail: boolean): Promise<number> {
    const left = await this.#test(() => this.run(command.left));
    const goesOn = command.operator === "&&" ? left === 0 : left !== 0;
    return goesOn ? this.run(command.right, tail) : left;
  }

  async #test(body: () => Promise<number>): Promise<number> {
    this.#tested++;
    try {
      return await body();
    } finally {
      this.#tested--;
    }
  }

  async #pipeline(commands: readonly Command[], negated: boolean): Promise<number> {
    if (negated) {
      const [only] = commands;
      const status = await this.#test(() =>
        commands.length === 1 && only ? this.run(only) : this.#pipeline(commands, false),
      );
      return Number(status === 0);
    }
    const children: Child[] = [];
    let input: OpenFile | undefined;
    for (const [i, command] of commands.entries()) {
      const pipe = i < commands.length - 1 ? this.process.pipe() : undefined;
      const descriptors = new Map<number, OpenFile>();
      if (input) descriptors.set(0, input);
      if (pipe) descriptors.set(1, pipe.writer);
      children.push(this.fork((shell) => shell.run(command, true), { descriptors }));
      input?.close();
      pipe?.writer.close();
      input = pipe?.reader;
    }
    const statuses = (await Promise.all(children.map((child) => child.exited))).map(
      ({ exitCode }) => exitCode,
    );
    const failed = this.state.options.has("pipefail")
      ? statuses.findLast((status) => status !== 0)
      : undefined;
    return failed ?? statuses.at(-1) ?? 0;
  }

  #startJob(command: Command): number {
    const device = this.interactive ? undefined : this.process.open("/dev/null", "read");
    const child = this.fork((shell) => shell.run(command, true), {
      background: true,
      ...(device ? { descriptors: new Map([[0, device]]) } : {}),
    });
    device?.close();
    this.jobs.set(child.pid, child);
    this.state.lastBackgroundPid = child.pid;
    return 0;
  }

  async #for({ name, words, body }: Extract<Command, { kind: "for" }>): Promise<number> {
    const values = words ? await this.expander.fields(words) : [...this.state.positional];
    let at = 0;
    return this.#loop(async () => {
      const value = values[at++];
      if (value === undefined) return false;
      this.state.set(name, value);
      return true;
    }, body);
  }

  #while({ condition, until, body }: Extract<Command, { kind: "while" }>): Promise<number> {
    return this.#loop(async () => {
      const status = await this.#test(() => this.runList(condition));
      return (status === 0) !== until;
    }, body);
  }

  async #loop(hasNext: () => Promise<boolean>, body: List): Promise<number> {
    let status = 0;
    this.#loopDepth++;
    try {
      while (await this.#once(hasNext)) {
        await this.process.tick();
        try {
          status = await this.runList(body);
        } catch (err) {
          if (!(err instanceof ControlFlow) || (err.kind !== "break" && err.kind !== "continue")) throw err;
          status = 0;
          if (err.value > 1) throw new ControlFlow(err.kind, err.value - 1);
          if (err.kind === "break") break;
        }
      }
    } finally {
      this.#loopDepth--;
    }
    return status;
  }

  /** `break` in a loop's condition ends it too. */
  async #once(hasNext: () => Promise<boolean>): Promise<boolean> {
    try {
      return await hasNext();
    } catch (err) {
      if (!(err instanceof ControlFlow) || err.kind !== "break") throw err;
      if (err.value > 1) throw new ControlFlow("break", err.value - 1);
      return false;
    }
  }

  async #if({ clauses, otherwise }: Extract<Command, { kind: "if" }>): Promise<number> {
    for (const { condition, body } of clauses) {
      if ((await this.#test(() => this.runList(condition))) === 0) return this.runList(body);
    }
    return otherwise ? this.runList(otherwise) : 0;
  }

  async #case({ word, items }: Extract<Command, { kind: "case" }>): Promise<number> {
    const text = await this.expander.text(word);
    for (const { patterns, body } of items) {
      for (const pattern of patterns) {
        if (matchesPattern(await this.expander.pattern(pattern), text)) return this.runList(body);
      }
    }
    return 0;
  }

  async #substitute(list: List): Promise<string> {
    const { reader, writer } = this.process.pipe();
    const child = this.fork((shell) => shell.runList(list, true), { descriptors: new Map([[1, writer]]) });
    writer.close();
    const chunks: Uint8Array[] = [];
    let sizeBytes = 0;
    for (let bytes = await reader.read(); bytes; bytes = await reader.read()) {
      sizeBytes += bytes.length;
      if (sizeBytes > LARGEST_SUBSTITUTION_BYTES) throw new ShellError("out of memory");
      chunks.push(bytes);
    }
    reader.close();
    this.#substitutionStatus = (await child.exited).exitCode;
    return Buffer.concat(chunks).toString("utf8").replaceAll("\0", "").replace(/\n+$/, "");
  }
}
