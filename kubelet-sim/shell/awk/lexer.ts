import { decodeEscapes } from "../text/echo-text.js";
import { toRegExpSource } from "../text/posix-regexp.js";
import { AwkError } from "./ast.js";

export interface AwkToken {
  kind: "number" | "string" | "regexp" | "name" | "call" | "operator" | "newline" | "end";
  text: string;
}

const NUMBER = /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const NAME = /[A-Za-z_]\w*/y;
const STRING = /"((?:\\[\s\S]|[^"\\])*)"/y;
const REGEXP = /\/((?:\\.|\[(?:\\.|[^\]])*\]|[^/\\\n])*)\//y;
const OPERATOR = /\+\+|--|&&|\|\||[-+*/%^!<>=]=|!~|>>|[-+*/%^!<>=~?:,;(){}[\]$|]/y;

/** Tokens of an awk program. A slash begins a regular expression where an operand is due. */
export function tokenizeAwk(text: string): AwkToken[] {
  const tokens: AwkToken[] = [];
  let at = 0;
  const take = (expression: RegExp): RegExpExecArray | null => {
    expression.lastIndex = at;
    const match = expression.exec(text);
    if (match) at = expression.lastIndex;
    return match;
  };
  while (at < text.length) {
    if (take(/(?:[ \t\r]|\\\n|#[^\n]*)+/y)) continue;
    if (take(/\n/y)) tokens.push({ kind: "newline", text: "\n" });
    else if (operandDue(tokens.at(-1)) && text[at] === "/") {
      const match = take(REGEXP);
      if (!match) throw new AwkError("syntax error: unterminated regexp");
      tokens.push({ kind: "regexp", text: toRegExpSource((match[1] ?? "").replaceAll("\\/", "/"), true) });
    } else tokens.push(takeToken(take, text, at));
  }
  return [...tokens, { kind: "end", text: "" }];
}

function takeToken(take: (expression: RegExp) => RegExpExecArray | null, text: string, at: number): AwkToken {
  const number = take(NUMBER);
  if (number) return { kind: "number", text: number[0] };
  const string = take(STRING);
  if (string)
    return {
      kind: "string",
      text: decodeEscapes((string[1] ?? "").replaceAll('\\"', '"').replaceAll("\\/", "/")).text,
    };
  const name = take(NAME);
  if (name) return { kind: text[at + name[0].length] === "(" ? "call" : "name", text: name[0] };
  const operator = take(OPERATOR);
  if (operator) return { kind: "operator", text: operator[0] };
  throw new AwkError(`syntax error at ${text[at] ?? ""}`);
}

function operandDue(last: AwkToken | undefined): boolean {
  if (!last || last.kind === "newline") return true;
  if (last.kind === "operator") return ![")", "]", "$", "++", "--"].includes(last.text);
  return last.kind === "name" && ["print", "return", "in"].includes(last.text);
}
