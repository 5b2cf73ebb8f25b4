import type { Shell } from "../shell.js";

/** `name` is how it was called. */
export type Builtin = (shell: Shell, args: readonly string[], name: string) => Promise<number> | number;
