import type { Process } from "../../images/process.js";
import { complain, parseDurationMs } from "../tool.js";

export async function sleep(process: Process): Promise<number> {
  const args = process.argv.slice(1);
  let totalMs = 0;
  for (const arg of args) {
    const ms = parseDurationMs(arg);
    if (ms === undefined) {
      await complain(process, `invalid number '${arg}'`);
      return 1;
    }
    totalMs += ms;
  }
  if (args.length === 0) {
    await process.stderr.write("BusyBox v1.36.1 multi-call binary.\n\nUsage: sleep [N]...\n");
    return 1;
  }
  await process.sleep(totalMs);
  return 0;
}
