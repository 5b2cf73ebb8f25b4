/** kubectl's tables: cells padded to the widest of their column, three spaces between, nothing after the last. */
export function padColumns(rows: readonly (readonly string[])[], gap = 3): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, Array.from(cell).length);
    });
  }
  return rows
    .map((row) => {
      const cells = row.map((cell, i) =>
        i === row.length - 1 ? cell : cell + " ".repeat((widths[i] ?? 0) - Array.from(cell).length + gap),
      );
      return `${cells.join("").trimEnd()}\n`;
    })
    .join("");
}
