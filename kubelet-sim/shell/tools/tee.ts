import { tool } from "../tool.js";

export const tee = tool({ flags: "ai" }, async (process, options) => {
  const mode = options.has("a") ? "append" : "write";
  const outputs = [process.stdout, ...options.operands.map((path) => process.open(path, mode))];
  for (let bytes = await process.stdin.read(); bytes; bytes = await process.stdin.read()) {
    for (const output of outputs) await output.write(bytes);
  }
  for (const output of outputs.slice(1)) output.close();
  return 0;
});
