import type { Process } from "../../images/process.js";

/** busybox's columns; options of other kinds of ps are accepted and change nothing. */
export async function ps(process: Process): Promise<number> {
  await process.stdout.write("PID   USER     TIME  COMMAND\n");
  for (const { pid, argv } of process.processes()) {
    await process.stdout.write(`${String(pid).padStart(5)} root      0:00 ${argv.join(" ")}\n`);
  }
  return 0;
}
