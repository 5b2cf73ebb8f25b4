import type { NamedVerdict } from "../built-in-verdicts.js";
import { actedInWords, faultsAround, momentIn } from "../explain-failures.js";
import type { History } from "../history.js";
import { printable } from "./escape.js";
import type { Journal } from "./journal.js";
import { firstMomentOf } from "./moments.js";
import { ascending, percentile, shownMs } from "./statistics.js";

/** Colours of a terminal; plain text otherwise. */
export interface Paint {
  green(text: string): string;
  red(text: string): string;
  dim(text: string): string;
  bold(text: string): string;
}

const same = (text: string): string => text;
export const noPaint: Paint = { green: same, red: same, dim: same, bold: same };

const MOST_VIOLATIONS = 3;
const MOST_CAUSES = 3;

/** What a run came to, in a few lines: counts, clients, verdicts, causes, and how to see it again. */
export function toSummary(journal: Journal, paint: Paint = noPaint): string[] {
  const { history, verdicts, status, error, replay, held } = journal;
  const lines = [countsOf(history), ...clientsOf(history).map((line) => paint.dim(printable(line)))];
  for (const verdict of verdicts) lines.push(...verdictLines(verdict, history, paint));
  const unhealed = journal.rollbacks.filter(({ status: healing }) => healing !== "succeeded");
  for (const { id, exception } of unhealed)
    lines.push(`${paint.red("not healed")}  ${printable(`${id}: ${exception ?? "nobody said so"}`)}`);
  if (status !== "completed") return [...lines, `${paint.red(status)}  ${printable(error ?? "")}`.trimEnd()];
  if (held) return lines;
  return [...lines, ...causeLines(journal, paint), "", `replay: ${printable(replay)}`];
}

function countsOf({ operations, flows, faults }: History): string {
  const failed = operations.filter(({ outcome }) => outcome !== "ok").length;
  const injected = faults.filter(({ outcome }) => outcome === "injected").length;
  return `${operations.length} requests (${failed} failed), ${flows.length} flows, ${injected} faults injected`;
}

function clientsOf({ operations }: History): string[] {
  const clients = [...new Set(operations.map(({ client }) => client))];
  return clients.map((client) => {
    const own = operations.filter((operation) => operation.client === client);
    const took = ascending(own.filter(({ outcome }) => outcome === "ok").map(({ tookMs }) => tookMs));
    const failed = own.length - took.length;
    const latency =
      took.length > 0 ? `, p50 ${shownMs(percentile(took, 50))}, p99 ${shownMs(percentile(took, 99))}` : "";
    return `  ${client}: ${own.length} requests, ${failed} failed${latency}`;
  });
}

function verdictLines({ invariant, verdict }: NamedVerdict, history: History, paint: Paint): string[] {
  const { held, summary, violations } = verdict;
  const mark = held ? `${paint.green("held")}    ` : paint.red("violated");
  const lines = [`${mark}  ${printable(`${invariant}: ${summary}`)}`];
  for (const violation of violations.slice(0, MOST_VIOLATIONS))
    lines.push(`          ${printable(violation)}`);
  const more = violations.length - MOST_VIOLATIONS;
  if (more > 0) lines.push(`          … and ${more} more`);
  const momentMs = firstMomentOf(verdict, history);
  const acted = momentMs === undefined ? [] : faultsAround(history, momentMs);
  if (acted.length > 0)
    lines.push(paint.dim(`          ${printable(actedInWords(acted, (atMs) => momentIn(history, atMs)))}`));
  return lines;
}

function causeLines({ causes }: Journal, paint: Paint): string[] {
  if (causes.length === 0) return [];
  const shown = causes.slice(0, MOST_CAUSES);
  const more = causes.length - shown.length;
  return [
    "",
    paint.bold("why requests failed:"),
    ...shown.flatMap(({ text }) => printable(text).split("; ").map(indented)),
    ...(more > 0 ? [`  … and ${more} other ways`] : []),
  ];
}

const indented = (part: string, i: number): string => `${i === 0 ? "  " : "    "}${part}`;
