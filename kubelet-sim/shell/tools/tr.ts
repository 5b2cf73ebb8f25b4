import { decodeEscapes } from "../text/echo-text.js";
import { tool } from "../tool.js";

const CLASSES: Readonly<Record<string, string>> = {
  upper: "A-Z",
  lower: "a-z",
  digit: "0-9",
  alpha: "A-Za-z",
  alnum: "A-Za-z0-9",
  space: " \t\n\r\f\v",
  blank: " \t",
  punct: "!-/:-@[-`{-~",
};

function expandSet(text: string): string[] {
  const classes = text.replace(/\[:(\w+):\]/g, (_, name: string) => CLASSES[name] ?? "");
  const plain = decodeEscapes(classes).text;
  const chars: string[] = [];
  for (let i = 0; i < plain.length; i++) {
    const from = plain.charCodeAt(i);
    if (plain[i + 1] === "-" && i + 2 < plain.length) {
      for (let code = from; code <= plain.charCodeAt(i + 2); code++) chars.push(String.fromCharCode(code));
      i += 2;
    } else chars.push(plain[i] ?? "");
  }
  return chars;
}

export const tr = tool({ flags: "dscC" }, async (process, options) => {
  const [first = "", second = ""] = options.operands;
  const from = expandSet(first);
  const to = expandSet(second);
  const complement = options.has("c") || options.has("C");
  const translate = (char: string): string | undefined => {
    const index = from.indexOf(char);
    const chosen = complement ? index < 0 : index >= 0;
    if (!chosen) return char;
    if (options.has("d")) return undefined;
    return to.length === 0 ? char : (to[complement ? to.length - 1 : Math.min(index, to.length - 1)] ?? char);
  };
  const squeezed = new Set(options.has("s") ? (to.length > 0 ? to : from) : []);
  let last = "";
  for (let bytes = await process.stdin.read(); bytes; bytes = await process.stdin.read()) {
    let text = "";
    for (const char of Buffer.from(bytes).toString("latin1")) {
      const next = translate(char);
      if (next === undefined || (next === last && squeezed.has(next))) continue;
      text += next;
      last = next;
    }
    if (text !== "") await process.stdout.write(Buffer.from(text, "latin1"));
  }
  return 0;
});
