import { tool } from "../tool.js";

export const hostname = tool({ flags: "sfidI" }, async (process, options) => {
  const { ip } = process.network;
  await process.stdout.write(`${options.has("i") || options.has("I") ? ip : process.hostname}\n`);
  return 0;
});
