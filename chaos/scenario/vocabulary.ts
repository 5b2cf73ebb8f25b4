import type { Checker } from "../checker.js";
import type { Fault } from "../fault.js";

/** What scenarios can name. */
export interface Vocabulary {
  faults: readonly Pick<
    Fault,
    "name" | "summary" | "layer" | "targets" | "otherwise" | "parameters" | "momentary"
  >[];
  checkers: readonly Pick<Checker, "name" | "summary" | "parameters">[];
  /**
   * The objects of a file that a scenario names, for parameters that hold objects. Throws an Error that says what is wrong.
   * Without it, objects stand in the scenario itself.
   */
  readObjects?: (path: string) => readonly Readonly<Record<string, unknown>>[];
}
