import { ExecError } from "../images/process.js";
import type { Simple } from "./ast.js";
import { builtins } from "./builtins/builtins.js";
import { applyForGood, withRedirects } from "./redirects.js";
import { ControlFlow } from "./control-flow.js";
import { complainOf } from "./exec-complaint.js";
import type { Shell } from "./shell.js";
import type { Variable } from "./state.js";

/** Assignments, redirections and a function, builtin or program. `tail`: the program may take the shell's place. */
export async function runSimple(shell: Shell, command: Simple, tail: boolean): Promise<number> {
  const { process, state, expander } = shell;
  await process.tick();
  shell.takeSubstitutionStatus();
  const argv = await expander.fields(command.words);
  const assignments: { name: string; value: string }[] = [];
  for (const { name, value } of command.assignments) {
    const text = await expander.text(value);
    // Without a command each one is in force for the next.
    if (argv.length === 0) state.set(name, text);
    assignments.push({ name, value: text });
  }
  if (state.options.has("x")) await trace(shell, assignments, argv);
  const [name] = argv;
  if (name === undefined) {
    const status = shell.takeSubstitutionStatus();
    return withRedirects(shell, command.redirects, async () => status);
  }
  if (name === "exec" && argv.length === 1) {
    await applyForGood(shell, command.redirects);
    return 0;
  }
  if (state.functions.has(name) || Object.hasOwn(builtins, name)) {
    return withRedirects(shell, command.redirects, () =>
      withAssignments(shell, assignments, () => runInShell(shell, argv)),
    );
  }
  return withRedirects(shell, command.redirects, () => runProgram(shell, assignments, argv, tail));
}

async function trace(
  shell: Shell,
  assignments: readonly { name: string; value: string }[],
  argv: readonly string[],
): Promise<void> {
  const words = [...assignments.map(({ name, value }) => `${name}=${value}`), ...argv];
  await shell.process.stderr.write(`+ ${words.map(quoteForTrace).join(" ")}\n`);
}

const quoteForTrace = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;

/** Assignments in front of a builtin or function hold while it runs. */
async function withAssignments(
  shell: Shell,
  assignments: readonly { name: string; value: string }[],
  body: () => Promise<number>,
): Promise<number> {
  const { state } = shell;
  const before: [string, Variable | undefined][] = [];
  for (const { name, value } of assignments) {
    const variable = state.variables.get(name);
    before.push([name, variable && { ...variable }]);
    state.set(name, value);
    state.mark(name, { exported: true });
  }
  try {
    return await body();
  } finally {
    for (const [name, variable] of before.reverse()) {
      if (variable) state.variables.set(name, variable);
      else state.variables.delete(name);
    }
  }
}

async function runInShell(shell: Shell, argv: readonly string[]): Promise<number> {
  const [name = "", ...args] = argv;
  const body = shell.state.functions.get(name);
  if (!body) {
    const builtin = Object.hasOwn(builtins, name) ? builtins[name] : undefined;
    return builtin ? builtin(shell, args, name) : 127;
  }
  const { state } = shell;
  const positional = state.positional;
  state.positional = args;
  state.enterFunction();
  try {
    return await shell.run(body);
  } catch (err) {
    if (err instanceof ControlFlow && err.kind === "return") return err.value;
    throw err;
  } finally {
    state.leaveFunction();
    state.positional = positional;
  }
}

async function runProgram(
  shell: Shell,
  assignments: readonly { name: string; value: string }[],
  argv: readonly string[],
  tail: boolean,
): Promise<number> {
  const { process, state } = shell;
  const env = state.environment();
  for (const { name, value } of assignments) env.set(name, value);
  try {
    const canReplace = tail && state.traps.size === 0 && shell.jobs.size === 0 && !shell.interactive;
    if (canReplace) {
      process.which(argv[0] ?? "");
      process.environment.clear();
      for (const [name, value] of env) process.environment.set(name, value);
      return await process.exec(argv);
    }
    const child = process.spawn({ argv, env });
    const { exitCode } = await child.exited;
    return exitCode;
  } catch (err) {
    if (!(err instanceof ExecError)) throw err;
    return complainOf(shell, argv[0] ?? "", err);
  }
}
