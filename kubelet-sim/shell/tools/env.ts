import { ExecError, type Process } from "../../images/process.js";
import { complain } from "../tool.js";

/** `env [-i] [-u name] [name=value…] [program args…]` */
export async function env(process: Process): Promise<number> {
  const args = process.argv.slice(1);
  for (let arg = args[0]; arg !== undefined; arg = args[0]) {
    if (arg === "-i" || arg === "-") process.environment.clear();
    else if (arg === "-u") {
      args.shift();
      process.environment.delete(args[0] ?? "");
    } else if (arg.includes("="))
      process.environment.set(arg.slice(0, arg.indexOf("=")), arg.slice(arg.indexOf("=") + 1));
    else break;
    args.shift();
  }
  if (args.length === 0) {
    for (const [name, value] of process.environment) await process.stdout.write(`${name}=${value}\n`);
    return 0;
  }
  try {
    return await process.exec(args);
  } catch (err) {
    if (!(err instanceof ExecError)) throw err;
    await complain(process, `can't execute '${args[0]}': No such file or directory`);
    return 127;
  }
}

export async function printenv(process: Process): Promise<number> {
  const names = process.argv.slice(1);
  if (names.length === 0) {
    for (const [name, value] of process.environment) await process.stdout.write(`${name}=${value}\n`);
  }
  for (const name of names) {
    const value = process.environment.get(name);
    if (value !== undefined) await process.stdout.write(`${value}\n`);
  }
  return names.every((name) => process.environment.has(name)) ? 0 : 1;
}
