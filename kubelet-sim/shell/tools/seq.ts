import { complain, tool } from "../tool.js";

const MOST_LINES_AT_ONCE = 512;

export const seq = tool(
  { flags: "w", values: "s", strict: true, counts: false },
  async (process, options) => {
    const numbers = options.operands.map(Number);
    if (numbers.length === 0 || numbers.some(Number.isNaN)) {
      await complain(
        process,
        `invalid number '${options.operands.find((text) => Number.isNaN(Number(text))) ?? ""}'`,
      );
      return 1;
    }
    const [first, step, last] =
      numbers.length === 1
        ? [1, 1, numbers[0] ?? 0]
        : numbers.length === 2
          ? [numbers[0] ?? 0, 1, numbers[1] ?? 0]
          : [numbers[0] ?? 0, numbers[1] ?? 1, numbers[2] ?? 0];
    if (step === 0) return 1;
    const separator = options.value("s") ?? "\n";
    const decimals = Math.max(...options.operands.map((text) => (text.split(".")[1] ?? "").length));
    const width = options.has("w") ? Math.max(String(first).length, String(last).length) : 0;
    const count = Math.floor((last - first) / step + 1e-9) + 1;
    let batch: string[] = [];
    for (let i = 0; i < count; i++) {
      batch.push((first + i * step).toFixed(decimals).padStart(width, "0"));
      if (batch.length === MOST_LINES_AT_ONCE) {
        await process.stdout.write(batch.join(separator) + (i === count - 1 ? "\n" : separator));
        batch = [];
      }
    }
    if (batch.length > 0) await process.stdout.write(`${batch.join(separator)}\n`);
    return 0;
  },
);
