import { ExecError, parseSignal, type Process, signalNumbers } from "../../images/process.js";
import { complain, linesOf, nameOfTool, parseDurationMs, tool } from "../tool.js";

/** Starts a program; prints and returns undefined when there is none. */
async function start(process: Process, argv: readonly string[]) {
  try {
    return process.spawn({ argv });
  } catch (err) {
    if (!(err instanceof ExecError)) throw err;
    await complain(process, `can't execute '${argv[0] ?? ""}': No such file or directory`);
    return undefined;
  }
}

export const time = tool({ flags: "pv", strict: true }, async (process, options) => {
  const startedAtMs = process.clock.monotonicMs();
  const child = await start(process, options.operands);
  if (!child) return 127;
  const { exitCode } = await child.exited;
  const seconds = (process.clock.monotonicMs() - startedAtMs) / 1000;
  const real = `${Math.floor(seconds / 60)}m ${(seconds % 60).toFixed(2)}s`;
  await process.stderr.write(`real\t${real}\nuser\t0m 0.00s\nsys\t0m 0.00s\n`);
  return exitCode;
});

/** `timeout [-s signal] [-k seconds] seconds program…`: 143 (busybox) when it ran out. */
export const timeout = tool({ values: "sk", flags: "fp", strict: true }, async (process, options) => {
  const [limit = "", ...argv] = options.operands;
  const limitMs = parseDurationMs(limit);
  const signal = parseSignal(options.value("s") ?? "TERM") ?? "SIGTERM";
  if (limitMs === undefined || argv.length === 0) {
    await complain(process, `invalid time '${limit}'`);
    return 1;
  }
  const child = await start(process, argv);
  if (!child) return 127;
  let expired = false;
  process.clock.setTimer(limitMs, () => {
    expired = true;
    process.kill(child.pid, signal);
  });
  const killAfterMs = parseDurationMs(options.value("k") ?? "") ?? undefined;
  if (killAfterMs !== undefined)
    process.clock.setTimer(limitMs + killAfterMs, () => process.kill(child.pid, "SIGKILL"));
  const { exitCode } = await child.exited;
  return expired ? 128 + signalNumbers[signal] : exitCode;
});

/** `xargs [-n count] [-I text] [-r] [-t] program…` */
export const xargs = tool({ flags: "rt0x", values: "nIPLds", strict: true }, async (process, options) => {
  const command = options.operands.length > 0 ? options.operands : ["echo"];
  const items: string[] = [];
  const replace = options.value("I");
  for await (const line of linesOf(process.stdin)) {
    const text = line.replace(/\n$/, "");
    if (options.has("0")) items.push(...text.split("\0").filter((item) => item !== ""));
    else if (replace !== undefined || options.has("L")) items.push(text);
    else
      items.push(
        ...(text.match(/'[^']*'|"[^"]*"|\S+/g) ?? []).map((item) =>
          item.replace(/^(['"])([\s\S]*)\1$/, "$2"),
        ),
      );
  }
  if (items.length === 0 && options.has("r")) return 0;
  const size = replace === undefined ? Number(options.value("n") ?? options.value("L") ?? Infinity) : 1;
  let status = 0;
  for (let i = 0; i === 0 || i < items.length; i += size) {
    const batch = items.slice(i, i + size);
    if (replace !== undefined && batch.length === 0) break;
    const argv =
      replace === undefined
        ? [...command, ...batch]
        : command.map((word) => word.replaceAll(replace, batch[0] ?? ""));
    if (options.has("t")) await process.stderr.write(`${argv.join(" ")}\n`);
    const child = await start(process, argv);
    if (!child) return 127;
    if ((await child.exited).exitCode !== 0) status = 123;
    if (size === Infinity) break;
  }
  return status;
});

/** `kill`, `killall` and `pkill` as programs. */
export async function kill(process: Process): Promise<number> {
  const args = process.argv.slice(1);
  const option = args[0]?.startsWith("-") ? args.shift() : undefined;
  const named = option === "-s" ? args.shift() : option?.slice(1);
  const signal = parseSignal(named ?? "TERM");
  if (!signal && named !== "0") {
    await complain(process, `bad signal name '${named ?? ""}'`);
    return 1;
  }
  const byName = nameOfTool(process) !== "kill";
  let status = 0;
  for (const target of args) {
    const pids = process
      .processes()
      .filter(({ pid, argv }) => (byName ? argv[0]?.split("/").at(-1) === target : String(pid) === target))
      .map(({ pid }) => pid);
    for (const pid of pids) if (signal) process.kill(pid, signal);
    if (pids.length > 0) continue;
    await complain(
      process,
      byName ? `${target}: no process killed` : `can't kill pid ${target}: No such process`,
    );
    status = 1;
  }
  return status;
}

/** `watch [-n seconds] program…`: again and again, the screen cleared in between. */
export const watch = tool({ flags: "t", values: "n", strict: true }, async (process, options) => {
  const everyMs = Number(options.value("n") ?? 2) * 1000;
  for (;;) {
    await process.stdout.write(`\x1b[H\x1b[JEvery ${everyMs / 1000}.0s: ${options.operands.join(" ")}\n\n`);
    const child = await start(process, ["/bin/sh", "-c", options.operands.join(" ")]);
    if (!child) return 127;
    await child.exited;
    await process.sleep(Math.max(100, everyMs));
  }
});
