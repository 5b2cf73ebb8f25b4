import type { Program } from "../images/process.js";
import { cat } from "./tools/cat.js";
import { echo } from "./tools/echo.js";
import { env, printenv } from "./tools/env.js";
import { hostname } from "./tools/hostname.js";
import { ls } from "./tools/ls.js";
import { nslookup } from "./tools/nslookup.js";
import { ps } from "./tools/ps.js";
import { sleep } from "./tools/sleep.js";
import { fail, succeed, test } from "./tools/test.js";
import { wget } from "./tools/wget.js";

/** Every tool by its name. */
export const tools: Readonly<Record<string, Program>> = {
  "[": test,
  cat,
  echo,
  env,
  false: fail,
  hostname,
  ls,
  nslookup,
  printenv,
  ps,
  sleep,
  test,
  true: succeed,
  wget,
};
