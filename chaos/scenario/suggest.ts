/** The name with the fewest edits away, if that is few; else one of which the word is a part, or that is part of it. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  const scored = names
    .map((name) => ({ name, distance: editDistance(word.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const best = scored[0];
  if (best && best.distance <= Math.max(2, word.length / 3)) return best.name;
  const isPart = (name: string): boolean => name.split("-").some((part) => word.split("-").includes(part));
  return word.length >= 3 ? scored.find(({ name }) => isPart(name))?.name : undefined;
}

/** `; did you mean "duration"?`, or nothing when no name is close. */
export function hint(word: unknown, names: readonly string[]): string {
  const close = typeof word === "string" ? nearest(word, names) : undefined;
  return close === undefined ? "" : `; did you mean ${JSON.stringify(close)}?`;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(
        (row[j] ?? 0) + 1,
        (next[j - 1] ?? 0) + 1,
        (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
      );
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
