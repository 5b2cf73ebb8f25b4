import type { Process } from "../../images/process.js";
import { evaluateTest, TestError } from "../text/test-expression.js";
import { complain, nameOfTool } from "../tool.js";

/** test(1) as a program of its own, for `kubectl exec -- test -f …`. */
export async function test(process: Process): Promise<number> {
  const args = process.argv.slice(1);
  const bracket = nameOfTool(process) === "[";
  try {
    return evaluateTest(bracket ? args.slice(0, -1) : args, process) ? 0 : 1;
  } catch (err) {
    if (!(err instanceof TestError)) throw err;
    await complain(process, err.message);
    return 2;
  }
}

export const succeed = async (): Promise<number> => 0;
export const fail = async (): Promise<number> => 1;
