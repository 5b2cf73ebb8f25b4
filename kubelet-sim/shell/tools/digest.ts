import { createHash } from "node:crypto";
import type { Program } from "../../images/process.js";
import { forEachInput, readAll, tool } from "../tool.js";

const sums = (algorithm: string): Program =>
  tool({ flags: "cbsw" }, (process, options) =>
    forEachInput(process, options.operands, async (input, path) => {
      const digest = createHash(algorithm);
      for (let bytes = await input.read(); bytes; bytes = await input.read()) digest.update(bytes);
      await process.stdout.write(`${digest.digest("hex")}  ${path}\n`);
    }),
  );

export const md5sum = sums("md5");
export const sha1sum = sums("sha1");
export const sha256sum = sums("sha256");

export const base64 = tool({ flags: "di", values: "w", long: { decode: "d" } }, (process, options) =>
  forEachInput(process, options.operands, async (input) => {
    const content = await readAll(input);
    if (options.has("d")) return process.stdout.write(Buffer.from(content.toString("latin1"), "base64"));
    const width = Number(options.value("w") ?? 76);
    const text = content.toString("base64");
    const lines = width > 0 ? (text.match(new RegExp(`.{1,${width}}`, "g")) ?? []) : [text];
    await process.stdout.write(lines.length > 0 ? `${lines.join("\n")}\n` : "");
  }),
);
