import { CHARACTER_CLASSES } from "../pattern.js";

/** A POSIX regular expression in JavaScript's syntax; in a basic one the backslash gives `( ) { } + ? |` their meaning. */
export function toRegExpSource(pattern: string, extended: boolean): string {
  let source = "";
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i] ?? "";
    if (char === "[") {
      const bracket = /^\[(\^?)(\]?(?:\[:\w+:\]|[^\]])*)\]/.exec(pattern.slice(i));
      if (!bracket) source += "\\[";
      else {
        source += `[${bracket[1]}${bracketSource(bracket[2] ?? "")}]`;
        i += bracket[0].length - 1;
      }
    } else if (char === "\\") {
      i++;
      source += escapeSource(pattern[i] ?? "\\", extended);
    } else if (!extended && "(){}+?|".includes(char)) source += `\\${char}`;
    else if (char === "*" && (source === "" || source === "^")) source += "\\*";
    else source += char;
  }
  return source;
}

function escapeSource(char: string, extended: boolean): string {
  if (!extended && "(){}+?|".includes(char)) return char;
  if (char === "<" || char === ">") return "\\b";
  if (/[nrtwWsSbB0-9]/.test(char)) return `\\${char}`;
  return /[a-zA-Z]/.test(char) ? char : `\\${char}`;
}

const bracketSource = (inner: string): string =>
  inner
    .split(/(\[:\w+:\])/)
    .map(
      (piece) =>
        CHARACTER_CLASSES[/^\[:(\w+):\]$/.exec(piece)?.[1] ?? ""] ?? piece.replace(/[\\[\]]/g, "\\$&"),
    )
    .join("");
