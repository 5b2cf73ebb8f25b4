/** One piece of a pattern: quoted text matches itself only. */
export interface PatternPiece {
  text: string;
  quoted: boolean;
}

/** POSIX character classes as members of a JavaScript character class. */
export const CHARACTER_CLASSES: Readonly<Record<string, string>> = {
  alpha: "a-zA-Z",
  digit: "0-9",
  alnum: "a-zA-Z0-9",
  upper: "A-Z",
  lower: "a-z",
  space: "\\s",
  blank: " \\t",
  punct: "!-\\/:-@\\[-`{-~",
  xdigit: "0-9A-Fa-f",
};

const escapeText = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");

/** The source of a regular expression for a shell pattern: `*`, `?`, `[...]`. */
export function patternSource(pieces: readonly PatternPiece[], anyChar = "[\\s\\S]"): string {
  return pieces
    .map(({ text, quoted }) => (quoted ? escapeText(text) : unquotedSource(text, anyChar)))
    .join("");
}

function unquotedSource(text: string, anyChar: string): string {
  let source = "";
  for (let i = 0; i < text.length; i++) {
    const char = text[i] ?? "";
    if (char === "*") source += `${anyChar}*`;
    else if (char === "?") source += anyChar;
    else if (char === "[") {
      const bracket = /^\[([!^]?)(\]?(?:\[:\w+:\]|[^\]])*)\]/.exec(text.slice(i));
      if (!bracket) source += "\\[";
      else {
        source += `[${bracket[1] ? "^" : ""}${bracketSource(bracket[2] ?? "")}]`;
        i += bracket[0].length - 1;
      }
    } else source += escapeText(char);
  }
  return source;
}

const bracketSource = (inner: string): string =>
  inner
    .split(/(\[:\w+:\])/)
    .map(
      (piece) =>
        CHARACTER_CLASSES[/^\[:(\w+):\]$/.exec(piece)?.[1] ?? ""] ?? piece.replace(/[\\\][^]/g, "\\$&"),
    )
    .join("");

export const matchesPattern = (pieces: readonly PatternPiece[], text: string): boolean =>
  new RegExp(`^(?:${patternSource(pieces)})$`).test(text);

/** A `[` without a `]` after it, such as the command of that name, is no wildcard. */
export const hasWildcard = (pieces: readonly PatternPiece[]): boolean =>
  pieces.some(({ text, quoted }, i) => {
    if (quoted) return false;
    if (/[*?]|\[[\s\S]*\]/.test(text)) return true;
    return text.includes("[") && pieces.slice(i + 1).some((piece) => piece.text.includes("]"));
  });

/** Takes the shortest or longest match off one end of a text. */
export function trimPattern(
  text: string,
  pieces: readonly PatternPiece[],
  end: "prefix" | "suffix",
  longest: boolean,
): string {
  const cuts = Array.from({ length: text.length + 1 }, (_, i) => i);
  const expression = new RegExp(`^(?:${patternSource(pieces)})$`);
  const ordered = (end === "prefix") === longest ? cuts.reverse() : cuts;
  for (const cut of ordered) {
    const part = end === "prefix" ? text.slice(0, cut) : text.slice(cut);
    if (expression.test(part)) return end === "prefix" ? text.slice(cut) : text.slice(0, cut);
  }
  return text;
}
