import { complain } from "../tool.js";
import type { Process } from "../../images/process.js";
import { toRegExpSource } from "../text/posix-regexp.js";

class ExprError extends Error {
  override readonly name = "ExprError";
}

const LEVELS: readonly (readonly string[])[] = [
  ["|"],
  ["&"],
  ["=", "!=", "<", ">", "<=", ">="],
  ["+", "-"],
  ["*", "/", "%"],
  [":"],
];

/** expr(1): status 1 when the result is empty or 0. */
export async function expr(process: Process): Promise<number> {
  const args = process.argv.slice(1);
  try {
    let at = 0;
    const parse = (level: number): string => {
      const operators = LEVELS[level];
      if (!operators) return primary();
      let left = parse(level + 1);
      while (operators.includes(args[at] ?? "")) {
        const operator = args[at++] ?? "";
        left = apply(left, operator, parse(level + 1));
      }
      return left;
    };
    const primary = (): string => {
      const token = args[at++];
      if (token === undefined) throw new ExprError("syntax error");
      if (token === "length") return String((args[at++] ?? "").length);
      if (token !== "(") return token;
      const value = parse(0);
      if (args[at++] !== ")") throw new ExprError("syntax error");
      return value;
    };
    const result = parse(0);
    if (at < args.length) throw new ExprError("syntax error");
    await process.stdout.write(`${result}\n`);
    return result === "" || result === "0" ? 1 : 0;
  } catch (err) {
    if (!(err instanceof ExprError)) throw err;
    await complain(process, err.message);
    return 2;
  }
}

function apply(left: string, operator: string, right: string): string {
  switch (operator) {
    case "|":
      return left !== "" && left !== "0" ? left : right;
    case "&":
      return left !== "" && left !== "0" && right !== "" && right !== "0" ? left : "0";
    case ":": {
      const match = new RegExp(`^(?:${toRegExpSource(right, false)})`).exec(left);
      return right.includes("\\(") ? (match?.[1] ?? "") : String(match?.[0].length ?? 0);
    }
    case "+":
    case "-":
    case "*":
    case "/":
    case "%":
      return calculate(integer(left), operator, integer(right));
    default:
      return compare(left, operator, right) ? "1" : "0";
  }
}

function calculate(left: number, operator: string, right: number): string {
  if (right === 0 && (operator === "/" || operator === "%")) throw new ExprError("division by zero");
  const results: Record<string, number> = {
    "+": left + right,
    "-": left - right,
    "*": left * right,
    "/": Math.trunc(left / right),
    "%": left % right,
  };
  return String(results[operator] ?? 0);
}

function compare(left: string, operator: string, right: string): boolean {
  const numeric = /^-?\d+$/.test(left) && /^-?\d+$/.test(right);
  const order = numeric ? Number(left) - Number(right) : left < right ? -1 : left > right ? 1 : 0;
  switch (operator) {
    case "=":
      return order === 0;
    case "!=":
      return order !== 0;
    case "<":
      return order < 0;
    case ">":
      return order > 0;
    case "<=":
      return order <= 0;
    default:
      return order >= 0;
  }
}

function integer(text: string): number {
  if (!/^-?\d+$/.test(text)) throw new ExprError("invalid number");
  return Number(text);
}
