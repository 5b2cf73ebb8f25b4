/**
 * Elastic tab stops as Go's text/tabwriter with kubectl's settings (padding 2, blanks): a cell ends with a tab, and a
 * column is as wide as the widest of its cells in neighbouring lines.
 */
export function alignTabs(text: string, padding = 2): string {
  const lines = text.split("\n").map((line) => line.split("\t"));
  const widths: number[][] = lines.map((cells) => cells.map(() => 0));
  measure(lines, widths, 0, lines.length, 0, padding);
  return lines
    .map((cells, row) =>
      cells
        .map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd(widths[row]?.[column] ?? 0)))
        .join(""),
    )
    .join("\n");
}

/** A column block is a run of lines that all have a tab-terminated cell in `column`. */
function measure(
  lines: readonly (readonly string[])[],
  widths: number[][],
  from: number,
  to: number,
  column: number,
  padding: number,
): void {
  for (let start = from; start < to; start++) {
    if ((lines[start]?.length ?? 0) - 1 <= column) continue;
    let end = start;
    let widest = 0;
    while (end < to && (lines[end]?.length ?? 0) - 1 > column) {
      widest = Math.max(widest, lines[end]?.[column]?.length ?? 0);
      end++;
    }
    // An empty column takes no room at all.
    const width = widest === 0 ? 0 : widest + padding;
    for (let row = start; row < end; row++) (widths[row] as number[])[column] = width;
    measure(lines, widths, start, end, column + 1, padding);
    start = end - 1;
  }
}
