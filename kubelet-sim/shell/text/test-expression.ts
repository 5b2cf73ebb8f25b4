import type { Process } from "../../images/process.js";

/** A malformed expression: status 2. */
export class TestError extends Error {
  override readonly name = "TestError";
}

type TestMachine = Pick<Process, "files" | "path" | "descriptors">;

/** test(1): `-a`, `-o`, `!`, parentheses, file, string and integer comparisons. Throws TestError. */
export function evaluateTest(args: readonly string[], machine: TestMachine): boolean {
  if (args.length === 0) return false;
  const evaluator = new TestEvaluator(args, machine);
  return evaluator.run();
}

const BINARY = new Set([
  "=",
  "==",
  "!=",
  "<",
  ">",
  "-eq",
  "-ne",
  "-lt",
  "-le",
  "-gt",
  "-ge",
  "-nt",
  "-ot",
  "-ef",
  "=~",
]);

class TestEvaluator {
  readonly #args: readonly string[];
  readonly #machine: TestMachine;
  #at = 0;

  constructor(args: readonly string[], machine: TestMachine) {
    this.#args = args;
    this.#machine = machine;
  }

  run(): boolean {
    const value = this.#or();
    const rest = this.#args[this.#at];
    if (rest !== undefined) throw new TestError(`${rest}: unknown operand`);
    return value;
  }

  #or(): boolean {
    let value = this.#and();
    while (this.#accept("-o", "||")) value = this.#and() || value;
    return value;
  }

  #and(): boolean {
    let value = this.#not();
    while (this.#accept("-a", "&&")) value = this.#not() && value;
    return value;
  }

  #not(): boolean {
    if (this.#args[this.#at] === "!" && this.#at + 1 < this.#args.length && !this.#isBinaryNext()) {
      this.#at++;
      return !this.#not();
    }
    return this.#primary();
  }

  #isBinaryNext(): boolean {
    return BINARY.has(this.#args[this.#at + 1] ?? "") && this.#at + 2 < this.#args.length;
  }

  #primary(): boolean {
    const first = this.#args[this.#at];
    if (first === undefined) throw new TestError("argument expected");
    if (this.#isBinaryNext()) {
      const [left = "", operator = "", right = ""] = this.#args.slice(this.#at, this.#at + 3);
      this.#at += 3;
      return this.#compare(left, operator, right);
    }
    if (first === "(") {
      this.#at++;
      const value = this.#or();
      if (!this.#accept(")")) throw new TestError("closing paren expected");
      return value;
    }
    this.#at++;
    const operand = this.#args[this.#at];
    if (!/^-[a-zA-Z]$/.test(first) || operand === undefined) return first !== "";
    this.#at++;
    return this.#unary(first, operand);
  }

  #unary(operator: string, operand: string): boolean {
    if (operator === "-n") return operand !== "";
    if (operator === "-z") return operand === "";
    if (operator === "-t") return this.#machine.descriptors.get(Number(operand))?.terminal !== undefined;
    const stat = this.#machine.files.stat(this.#machine.path(operand));
    switch (operator) {
      case "-e":
      case "-r":
      case "-w":
        return stat !== undefined;
      case "-f":
        return stat?.kind === "file";
      case "-d":
        return stat?.kind === "directory";
      case "-s":
        return (stat?.sizeBytes ?? 0) > 0;
      case "-x":
        return stat !== undefined && (stat.mode & 0o111) !== 0;
      case "-c":
        return stat?.kind === "device";
      case "-h":
      case "-L":
        return stat?.kind === "link";
      case "-b":
      case "-p":
      case "-S":
      case "-u":
      case "-g":
      case "-k":
        return false;
      default:
        throw new TestError(`${operator}: unknown operand`);
    }
  }

  #compare(left: string, operator: string, right: string): boolean {
    switch (operator) {
      case "=":
      case "==":
        return left === right;
      case "!=":
        return left !== right;
      case "<":
        return left < right;
      case ">":
        return left > right;
      case "=~":
        return new RegExp(right).test(left);
      case "-nt":
      case "-ot":
      case "-ef":
        return this.#compareFiles(left, operator, right);
      default:
        return compareNumbers(toInteger(left), operator, toInteger(right));
    }
  }

  #compareFiles(left: string, operator: string, right: string): boolean {
    const [a, b] = [this.#machine.path(left), this.#machine.path(right)];
    if (operator === "-ef") return a === b;
    const [older, newer] = operator === "-nt" ? [b, a] : [a, b];
    const from = this.#machine.files.stat(older)?.modifiedAtMs ?? -1;
    return (this.#machine.files.stat(newer)?.modifiedAtMs ?? -1) > from;
  }

  #accept(...texts: string[]): boolean {
    if (!texts.includes(this.#args[this.#at] ?? "")) return false;
    this.#at++;
    return true;
  }
}

function compareNumbers(left: number, operator: string, right: number): boolean {
  switch (operator) {
    case "-eq":
      return left === right;
    case "-ne":
      return left !== right;
    case "-lt":
      return left < right;
    case "-le":
      return left <= right;
    case "-gt":
      return left > right;
    default:
      return left >= right;
  }
}

function toInteger(text: string): number {
  if (!/^\s*[+-]?\d+\s*$/.test(text)) throw new TestError(`${text}: bad number`);
  return Number(text);
}
