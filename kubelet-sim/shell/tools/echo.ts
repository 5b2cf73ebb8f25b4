import type { Process } from "../../images/process.js";
import { echoText } from "../text/echo-text.js";

export async function echo(process: Process): Promise<number> {
  await process.stdout.write(echoText(process.argv.slice(1)));
  return 0;
}
