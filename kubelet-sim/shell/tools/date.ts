import { formatDate } from "../text/date-format.js";
import { complain, tool } from "../tool.js";

/** `date [-u] [-d @seconds|date] [-I] [-R] [+format]`; the cluster lives in UTC. */
export const date = tool(
  { flags: "uRI", values: "dr", long: { utc: "u", date: "d", "iso-8601": "I" } },
  async (process, options) => {
    const given = options.value("d");
    const ms = given === undefined ? process.clock.nowMs() : parseDate(given, process.clock.nowMs());
    if (ms === undefined) {
      await complain(process, `invalid date '${given}'`);
      return 1;
    }
    const format = options.operands.find((text) => text.startsWith("+"))?.slice(1);
    const usual = options.has("R")
      ? "%a, %d %b %Y %H:%M:%S +0000"
      : options.has("I")
        ? "%Y-%m-%d"
        : "%a %b %e %H:%M:%S UTC %Y";
    await process.stdout.write(`${formatDate(format ?? usual, ms)}\n`);
    return 0;
  },
);

function parseDate(text: string, nowMs: number): number | undefined {
  if (text === "now") return nowMs;
  if (/^@\d+(\.\d+)?$/.test(text)) return Number(text.slice(1)) * 1000;
  const iso = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d)?)Z?)?$/.exec(text);
  if (!iso) return undefined;
  const ms = Date.parse(`${iso[1]}T${(iso[2] ?? "00:00:00").padEnd(8, ":00")}Z`);
  return Number.isNaN(ms) ? undefined : ms;
}
