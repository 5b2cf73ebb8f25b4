import type { Program } from "../images/process.js";
import { sh } from "./sh.js";
import { tools } from "./tools.js";

/** A shell and its tools where busybox has them. */
export const shellPrograms: Readonly<Record<string, Program>> = {
  "/bin/sh": sh,
  "/bin/ash": sh,
  ...Object.fromEntries(Object.entries(tools).map(([name, program]) => [`/bin/${name}`, program])),
};
