import { parseSignal, signalNumbers } from "../../images/process.js";
import { ShellError } from "../state.js";
import type { Builtin } from "./builtin.js";

export const jobs: Builtin = async (shell) => {
  for (const pid of shell.jobs.keys()) await shell.process.stdout.write(`[1]+ ${pid} Running\n`);
  return 0;
};

/** `wait [pid…]`: a trapped signal interrupts it with 128 + its number. */
export const wait: Builtin = async (shell, args) => {
  const pids =
    args.length > 0 ? args.map((arg) => pidOf(arg, [...shell.jobs.keys()])) : [...shell.jobs.keys()];
  let status = 0;
  for (const pid of pids) {
    const job = shell.jobs.get(pid);
    if (!job) {
      status = 127;
      continue;
    }
    const exit = await Promise.race([job.exited, shell.trapped()]);
    if (!exit) {
      const signal = shell.pendingTrapSignal;
      return 128 + (signal ? signalNumbers[signal] : 0);
    }
    shell.jobs.delete(pid);
    status = args.length > 0 ? exit.exitCode : 0;
  }
  return status;
};

function pidOf(text: string, jobs: readonly number[]): number {
  const number = Number(text.replace(/^%/, ""));
  return text.startsWith("%") ? (jobs[number - 1] ?? 0) : number;
}

export const killProcesses: Builtin = async (shell, args) => {
  const [first = "", ...rest] = args;
  if (first === "-l") {
    const names = Object.entries(signalNumbers).map(
      ([name, number]) => `${String(number).padStart(2)}) ${name.slice(3)}`,
    );
    await shell.process.stdout.write(`${names.join("\n")}\n`);
    return 0;
  }
  const named = first === "-s" ? (rest.shift() ?? "") : first.startsWith("-") ? first.slice(1) : "TERM";
  const targets = first.startsWith("-") ? rest : args;
  const signal = parseSignal(named);
  if (!signal && named !== "0") throw new ShellError(`kill: bad signal name '${named}'`, 1);
  let status = 0;
  for (const target of targets.filter((text) => text !== "--")) {
    const pid = pidOf(target, [...shell.jobs.keys()]);
    const there = signal
      ? shell.process.kill(pid, signal)
      : shell.process.processes().some((entry) => entry.pid === pid);
    if (!there) {
      await shell.complain(`can't kill pid ${target}: No such process`);
      status = 1;
    }
  }
  return status;
};

export const trap: Builtin = async (shell, args) => {
  const [action, ...signals] = args[0] === "--" ? args.slice(1) : args;
  if (action === undefined) {
    for (const [signal, command] of shell.state.traps) {
      await shell.process.stdout.write(`trap -- '${command.replaceAll("'", `'\\''`)}' ${signal}\n`);
    }
    return 0;
  }
  const resets = action === "-" || (signals.length === 0 && trapName(action) !== undefined);
  for (const text of signals.length === 0 ? [action] : signals) {
    const name = trapName(text);
    if (!name) throw new ShellError(`trap: ${text}: invalid signal specification`, 1);
    shell.setTrap(name, resets ? undefined : action);
  }
  return 0;
};

const trapName = (text: string): string | undefined =>
  text === "EXIT" || text === "0" ? "EXIT" : parseSignal(text)?.slice(3);
