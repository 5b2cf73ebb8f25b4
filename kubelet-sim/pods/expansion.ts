// Upstream: third_party/forked/golang/expansion Expand.
/** Replaces `$(VAR)`; `$$` is one dollar sign; a name that is not known stays as written. */
export function expand(text: string, variables: ReadonlyMap<string, string>): string {
  let result = "";
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char !== "$" || i + 1 >= text.length) {
      result += char;
      continue;
    }
    const next = text[i + 1];
    const close = next === "(" ? text.indexOf(")", i + 2) : -1;
    if (next === "$") {
      result += "$";
      i++;
    } else if (next === "(" && close > 0) {
      const name = text.slice(i + 2, close);
      result += variables.get(name) ?? `$(${name})`;
      i = close;
    } else if (next === "(") {
      result += "$(";
      i++;
    } else {
      result += `$${next}`;
      i++;
    }
  }
  return result;
}
