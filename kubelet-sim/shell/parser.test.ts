import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { Parser } from "./parser.js";
import { ShellSyntaxError } from "./scanner.js";

function parseAll(text: string): "parsed" | "incomplete" | "refused" {
  try {
    const parser = new Parser(text);
    while (parser.next());
    return "parsed";
  } catch (err) {
    if (!(err instanceof ShellSyntaxError)) throw err;
    return err.incomplete ? "incomplete" : "refused";
  }
}

test.each([
  ["echo 'a", "incomplete"],
  ["if true; then", "incomplete"],
  ["for i in 1 2", "incomplete"],
  ["echo $(date", "incomplete"],
  ["cat <<EOF\ntext", "incomplete"],
  ["a |", "incomplete"],
  ["fi", "refused"],
  ["echo )", "refused"],
  ["; ls", "refused"],
  ["echo a; ; b", "refused"],
  ["{ a; }", "parsed"],
  ["case x in a) ;; esac", "parsed"],
  ["f() { echo; }\nf", "parsed"],
])("a shell knows whether more lines are to come: %j is %s", (text, outcome) => {
  expect(parseAll(text)).toBe(outcome);
});

const WORDS = [
  "if",
  "then",
  "fi",
  "do",
  "done",
  "while",
  "for",
  "in",
  "case",
  "esac",
  "(",
  ")",
  "{",
  "}",
  ";",
  ";;",
  "&&",
  "|",
  "&",
  "\n",
  "<<E",
  "E",
  ">",
  "2>&1",
  "'",
  '"',
  "$(",
  "`",
  "${x:-",
  "$((",
  "))",
  "a",
  "x=1",
  "!",
  "#",
  "\\",
];

test("any text is parsed, refused or incomplete: nothing else happens", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.constantFrom(...WORDS), fc.string({ maxLength: 5 })), { maxLength: 25 }),
      (words) => {
        parseAll(words.join(" "));
        parseAll(words.join(""));
      },
    ),
    { seed: 11, numRuns: 3000 },
  );
});

test("nesting without end is refused, not followed into a stack overflow", () => {
  expect(["refused", "incomplete"]).toContain(parseAll("(".repeat(100_000)));
  expect(["refused", "incomplete"]).toContain(parseAll("$(".repeat(100_000)));
  expect(["refused", "incomplete"]).toContain(parseAll("if ".repeat(100_000)));
  expect(["refused", "incomplete"]).toContain(parseAll(`echo ${'"${x:-'.repeat(50_000)}`));
});
