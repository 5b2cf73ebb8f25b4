import type { Builtin } from "./builtin.js";
import {
  breakLoop,
  colon,
  continueLoop,
  evalText,
  execProgram,
  exitShell,
  fail,
  returnFrom,
  source,
} from "./flow.js";
import { jobs, killProcesses, trap, wait } from "./jobs.js";
import { changeDirectory, commandBuiltin, echo, printf, printWorkingDirectory, type } from "./output.js";
import { read } from "./read.js";
import { test } from "./test.js";
import { alias, exportVariables, getopts, local, readonly, set, shift, umask, unset } from "./variables.js";

/** What the shell does itself, by name. */
export const builtins: Readonly<Record<string, Builtin>> = {
  ".": source,
  ":": colon,
  "[": test,
  "[[": test,
  alias,
  break: breakLoop,
  cd: changeDirectory,
  command: commandBuiltin,
  continue: continueLoop,
  echo,
  eval: evalText,
  exec: execProgram,
  exit: exitShell,
  export: exportVariables,
  false: fail,
  getopts,
  hash: colon,
  jobs,
  kill: killProcesses,
  local,
  printf,
  pwd: printWorkingDirectory,
  read,
  readonly,
  return: returnFrom,
  set,
  shift,
  source,
  test,
  trap,
  true: colon,
  type,
  ulimit: colon,
  umask,
  unalias: colon,
  unset,
  wait,
};
