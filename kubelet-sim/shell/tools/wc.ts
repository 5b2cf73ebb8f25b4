import { forEachInput, tool } from "../tool.js";

export const wc = tool({ flags: "lwcmL" }, async (process, options) => {
  const chosen = ["l", "w", "c", "m"].filter((flag) => options.has(flag));
  const shown = chosen.length > 0 ? chosen : ["l", "w", "c"];
  const totals: Record<string, number> = { l: 0, w: 0, c: 0, m: 0 };
  const format = (counts: Record<string, number>, name: string): string => {
    const numbers = shown.map((flag) => String(counts[flag] ?? 0));
    const columns =
      shown.length > 1 ? numbers.map((number) => number.padStart(9)).join(" ") : numbers.join("");
    return `${columns}${name === "" ? "" : ` ${name}`}\n`;
  };
  const status = await forEachInput(process, options.operands, async (input, path) => {
    const counts: Record<string, number> = { l: 0, w: 0, c: 0, m: 0 };
    let inWord = false;
    for (let bytes = await input.read(); bytes; bytes = await input.read()) {
      counts["c"] = (counts["c"] ?? 0) + bytes.length;
      for (const byte of bytes) {
        const blank = byte === 32 || (byte >= 9 && byte <= 13);
        if (byte === 10) counts["l"] = (counts["l"] ?? 0) + 1;
        if (!blank && !inWord) counts["w"] = (counts["w"] ?? 0) + 1;
        if ((byte & 0xc0) !== 0x80) counts["m"] = (counts["m"] ?? 0) + 1;
        inWord = !blank;
      }
    }
    for (const flag of Object.keys(totals)) totals[flag] = (totals[flag] ?? 0) + (counts[flag] ?? 0);
    await process.stdout.write(format(counts, options.operands.length > 0 ? path : ""));
  });
  if (options.operands.length > 1) await process.stdout.write(format(totals, "total"));
  return status;
});
