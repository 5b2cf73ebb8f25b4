import { formatPrintf } from "../text/printf-text.js";
import { AwkError, type Expression } from "./ast.js";
import { type AwkStore, splitFields, toNumber, toText, type Value } from "./store.js";

export interface CallContext {
  store: AwkStore;
  readonly value: (expression: Expression) => Value;
  readonly assign: (target: Expression, value: Value) => void;
}

/** awk's own functions. Throws AwkError for others. */
export function callFunction(name: string, args: readonly Expression[], context: CallContext): Value {
  const { store } = context;
  const [first] = args;
  const text = (index: number): string => {
    const arg = args[index];
    return arg ? toText(context.value(arg)) : "";
  };
  const number = (index: number): number => {
    const arg = args[index];
    return arg ? toNumber(context.value(arg)) : 0;
  };
  switch (name) {
    case "length":
      if (first?.kind === "variable" && store.array(first.name).size > 0) return store.array(first.name).size;
      return (first ? text(0) : store.field(0)).length;
    case "substr": {
      const start = Math.round(number(1));
      const end = args[2] ? start + Math.round(number(2)) : Infinity;
      return text(0).slice(Math.max(0, start - 1), Math.max(0, end - 1));
    }
    case "index":
      return text(0).indexOf(text(1)) + 1;
    case "toupper":
      return text(0).toUpperCase();
    case "tolower":
      return text(0).toLowerCase();
    case "int":
      return Math.trunc(number(0));
    case "sqrt":
      return Math.sqrt(number(0));
    case "log":
      return Math.log(number(0));
    case "exp":
      return Math.exp(number(0));
    case "sprintf":
      return formatPrintf(
        text(0),
        args.slice(1).map((_, i) => text(i + 1)),
      ).text;
    case "split":
      return split(args, context, text(0));
    case "match":
      return match(expressionOf(args[1], context), text(0), store);
    case "sub":
    case "gsub":
      return substitute(name === "gsub", args, context);
    default:
      throw new AwkError(`Call to undefined function ${name}`);
  }
}

function split(args: readonly Expression[], { store, value }: CallContext, text: string): number {
  const [, target, separator] = args;
  if (target?.kind !== "variable") throw new AwkError("split needs an array");
  const by = separator
    ? separator.kind === "regexp"
      ? separator.expression.source
      : toText(value(separator))
    : toText(store.get("FS"));
  const parts = splitFields(text, by);
  store.delete(target.name, undefined);
  for (const [i, part] of parts.entries()) store.setElement(target.name, String(i + 1), { text: part });
  return parts.length;
}

function match(expression: RegExp, text: string, store: AwkStore): number {
  const found = expression.exec(text);
  store.set("RSTART", found ? found.index + 1 : 0);
  store.set("RLENGTH", found ? found[0].length : -1);
  return found ? found.index + 1 : 0;
}

function substitute(all: boolean, args: readonly Expression[], context: CallContext): number {
  const [pattern, replacement, given] = args;
  const target: Expression = given ?? { kind: "field", index: { kind: "number", value: 0 } };
  const expression = new RegExp(expressionOf(pattern, context).source, all ? "g" : "");
  const template = replacement ? toText(context.value(replacement)) : "";
  let count = 0;
  const next = toText(context.value(target)).replace(expression, (whole: string) => {
    count++;
    return template.replace(/\\&|&/g, (sign) => (sign === "&" ? whole : "&"));
  });
  if (count > 0) context.assign(target, next);
  return count;
}

function expressionOf(expression: Expression | undefined, context: CallContext): RegExp {
  if (!expression) throw new AwkError("a regular expression is missing");
  return expression.kind === "regexp" ? expression.expression : new RegExp(toText(context.value(expression)));
}
