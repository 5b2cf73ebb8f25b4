import { type FileSystem, joinPath } from "../images/files.js";
import { hasWildcard, matchesPattern, type PatternPiece } from "./pattern.js";

/** Path names that match, sorted; the pattern's own text when none does. */
export function expandPath(pattern: readonly PatternPiece[], files: FileSystem, cwd: string): string[] {
  const segments = splitAtSlashes(pattern);
  const absolute = segments[0]?.length === 0 && segments.length > 1;
  let found = [absolute ? "/" : ""];
  for (const [i, segment] of segments.entries()) {
    if (segment.length === 0) continue;
    found = found.flatMap((base) => extend(base, segment, i === segments.length - 1, files, cwd));
  }
  const matches = found.filter((path) => path !== "" && path !== "/");
  return matches.length > 0 ? matches.sort() : [pattern.map(({ text }) => text).join("")];
}

function extend(
  base: string,
  segment: readonly PatternPiece[],
  isLast: boolean,
  files: FileSystem,
  cwd: string,
): string[] {
  const join = (name: string): string =>
    base === "" || base.endsWith("/") ? base + name : `${base}/${name}`;
  const directory = joinPath(cwd, base === "" ? "." : base);
  const literal = segment.map(({ text }) => text).join("");
  if (!hasWildcard(segment)) return files.stat(joinPath(directory, literal)) ? [join(literal)] : [];
  if (files.stat(directory)?.kind !== "directory") return [];
  return files
    .list(directory)
    .filter((name) => (literal.startsWith(".") || !name.startsWith(".")) && matchesPattern(segment, name))
    .filter((name) => isLast || files.stat(joinPath(directory, name))?.kind === "directory")
    .map(join);
}

function splitAtSlashes(pattern: readonly PatternPiece[]): PatternPiece[][] {
  const segments: PatternPiece[][] = [[]];
  for (const { text, quoted } of pattern) {
    for (const [i, piece] of text.split("/").entries()) {
      if (i > 0) segments.push([]);
      if (piece !== "") segments.at(-1)?.push({ text: piece, quoted });
    }
  }
  return segments;
}
