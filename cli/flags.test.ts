import { expect, test } from "@jest/globals";
import { parseFlags } from "./flags.js";

const specs = {
  output: { kind: "string", short: "o", help: "" },
  stdin: { kind: "bool", short: "i", help: "" },
  tty: { kind: "bool", short: "t", help: "" },
  watch: { kind: "bool", short: "w", help: "" },
  selector: { kind: "string", short: "l", help: "" },
  filename: { kind: "list", short: "f", help: "" },
  replicas: { kind: "int", help: "" },
  "dry-run": { kind: "optional", bare: "unchanged", default: "none", help: "" },
} as const;

test.each([
  [["-o=wide"], "wide"],
  [["-owide"], "wide"],
  [["-o", "wide"], "wide"],
  [["--output=wide"], "wide"],
  [["--output", "wide"], "wide"],
])("kubectl's ways to give a value: %j", (args, value) => {
  expect(parseFlags(args, specs).flags.output).toBe(value);
});

test("short booleans stand together, and what follows -- is left alone", () => {
  const parsed = parseFlags(["pod/x", "-it", "--", "ls", "-l"], specs);

  expect(parsed.flags).toMatchObject({ stdin: true, tty: true });
  expect(parsed.positionals).toEqual(["pod/x"]);
  expect(parsed.afterDash).toEqual(["ls", "-l"]);
});

test("a boolean takes a value only after an equals sign", () => {
  expect(parseFlags(["--watch=false", "pods"], specs)).toMatchObject({
    flags: { watch: false },
    positionals: ["pods"],
  });
});

test("a list flag may be given again", () => {
  expect(parseFlags(["-f", "a", "-f=b", "-fc"], specs).flags.filename).toEqual(["a", "b", "c"]);
});

test("a flag with an optional value does not swallow the next argument", () => {
  expect(parseFlags(["--dry-run", "web"], specs)).toMatchObject({
    flags: { "dry-run": "unchanged" },
    positionals: ["web"],
  });
});

test.each([
  [["--nope"], "unknown flag: --nope"],
  [["-z"], "unknown shorthand flag: 'z' in -z"],
  [["--output"], "flag needs an argument: --output"],
  [
    ["--replicas=x"],
    'invalid argument "x" for "--replicas" flag: strconv.ParseInt: parsing "x": invalid syntax',
  ],
  [["--__proto__=x"], "unknown flag: --__proto__"],
])("wrong usage is told in pflag's words: %j", (args, message) => {
  expect(() => parseFlags(args, specs)).toThrow(message);
});
