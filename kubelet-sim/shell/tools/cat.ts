import { forEachInput, tool } from "../tool.js";

export const cat = tool({ flags: "unvAeEtTb" }, (process, options) =>
  forEachInput(process, options.operands, async (input) => {
    let line = 1;
    for (let bytes = await input.read(); bytes; bytes = await input.read()) {
      if (!options.has("n")) await process.stdout.write(bytes);
      else {
        const text = Buffer.from(bytes).toString("utf8");
        await process.stdout.write(text.replace(/^(?=[\s\S])/gm, () => `${String(line++).padStart(6)}\t`));
      }
    }
  }),
);
