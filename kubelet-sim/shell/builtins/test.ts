import { evaluateTest, TestError } from "../text/test-expression.js";
import type { Builtin } from "./builtin.js";

/** `test`, `[` and, as in busybox, `[[`. */
export const test: Builtin = async (shell, args, name) => {
  const closing = name === "[" ? "]" : name === "[[" ? "]]" : undefined;
  if (closing && args.at(-1) !== closing) {
    await shell.complain(`${name}: missing ${closing}`);
    return 2;
  }
  try {
    return evaluateTest(closing ? args.slice(0, -1) : args, shell.process) ? 0 : 1;
  } catch (err) {
    if (!(err instanceof TestError)) throw err;
    await shell.complain(err.message);
    return 2;
  }
};
