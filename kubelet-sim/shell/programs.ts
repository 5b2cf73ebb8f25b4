import type { Program } from "../images/process.js";
import { sh } from "./sh.js";
import { tools } from "./tools.js";

/** A shell and every tool, where busybox has them. */
export const shellPrograms: Readonly<Record<string, Program>> = {
  "/bin/sh": sh,
  "/bin/ash": sh,
  ...Object.fromEntries(Object.entries(tools).map(([name, program]) => [`/bin/${name}`, program])),
};

/** The same with bash, as images made of Debian have it. */
export const debianPrograms: Readonly<Record<string, Program>> = { ...shellPrograms, "/bin/bash": sh };

const NOT_IN_BUSYBOX = new Set(["/bin/curl", "/bin/dig"]);

/** Only what busybox itself has. */
export const busyboxPrograms: Readonly<Record<string, Program>> = Object.fromEntries(
  Object.entries(shellPrograms).filter(([path]) => !NOT_IN_BUSYBOX.has(path)),
);
