/** What `echo` prints, as busybox: `-n`, `-e`, `-E`. */
export function echoText(args: readonly string[]): string {
  let newline = true;
  let escapes = false;
  let i = 0;
  for (; i < args.length && /^-[neE]+$/.test(args[i] ?? ""); i++) {
    for (const letter of (args[i] ?? "").slice(1)) {
      if (letter === "n") newline = false;
      else escapes = letter === "e";
    }
  }
  const text = args.slice(i).join(" ");
  if (!escapes) return newline ? `${text}\n` : text;
  const { text: decoded, stopped } = decodeEscapes(text);
  return newline && !stopped ? `${decoded}\n` : decoded;
}

const SIMPLE: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  e: "\x1b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
};

/** Backslash escapes of echo -e and printf. `\c` stops the output. */
export function decodeEscapes(text: string): { text: string; stopped: boolean } {
  const stop = /(?<!\\)(?:\\\\)*\\c/.exec(text);
  const kept = stop ? text.slice(0, stop.index + stop[0].length - 2) : text;
  const decoded = kept.replace(
    /\\(?:(x[0-9a-fA-F]{1,2})|(0[0-7]{0,3}|[1-7][0-7]{0,2})|([abefnrtv\\]))/g,
    (_, hex?: string, octal?: string, simple?: string) => {
      if (hex) return String.fromCharCode(Number.parseInt(hex.slice(1), 16));
      if (octal) return String.fromCharCode(Number.parseInt(octal, 8) & 0xff);
      return SIMPLE[simple ?? ""] ?? "";
    },
  );
  return { text: decoded, stopped: stop !== null };
}
