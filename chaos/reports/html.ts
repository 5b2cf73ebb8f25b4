import { momentIn } from "../explain-failures.js";
import { escaped } from "./escape.js";
import { type Moment, picture } from "./html-picture.js";
import { STYLE } from "./html-style.js";
import type { Journal } from "./journal.js";
import { faultInWords } from "./lanes/faults.js";
import { momentOf } from "./moments.js";
import { ascending, percentile, shownMs } from "./statistics.js";

const MOST_MOMENTS = 40;
const MOST_FAULTS = 200;

/**
 * One page that needs nothing else: no script, no request to anywhere. Whatever names and errors the run brought stands in it
 * as text. Requests are drawn in groups, so that its size does not grow with them.
 */
export function toHtml(journal: Journal): string {
  const moments = momentsOf(journal);
  const { experiment } = journal;
  const title = `${experiment.name}: ${verdictWord(journal)}`;
  return [
    "<!doctype html>",
    '<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    `<title>${escaped(title)}</title><style>${STYLE}</style></head><body>`,
    heading(journal),
    causes(journal, moments),
    `<h2>What happened</h2><div class="picture">${picture(journal, moments)}</div>`,
    verdicts(journal, moments),
    requests(journal),
    faults(journal),
    exploration(journal),
    dropped(journal),
    "</body></html>\n",
  ].join("\n");
}

const verdictWord = ({ status, held }: Journal): string =>
  status === "completed" ? (held ? "held" : "violated") : status;

function heading(journal: Journal): string {
  const { experiment, mode, seed, replay, start, duration, hash, error } = journal;
  const word = verdictWord(journal);
  const kind = word === "held" || word === "violated" ? word : "other";
  const facts = [
    `${mode}, seed <code>${escaped(seed)}</code>`,
    `${duration.toFixed(1)} s from ${escaped(start)}`,
    ...(hash === undefined ? [] : [`history <code>${escaped(hash.slice(0, 16))}</code>`]),
  ];
  return [
    `<h1>${escaped(experiment.name)} <span class="badge ${kind}">${escaped(word)}</span></h1>`,
    `<p class="dim">${facts.join(" · ")}</p>`,
    error === undefined ? "" : `<p class="bad">${escaped(error)}</p>`,
    `<pre>${escaped(replay)}</pre>`,
  ].join("\n");
}

/** Of violations and of the ways in which requests failed; the text links to them. */
function momentsOf({ verdicts: judged, causes: stories, history }: Journal): Moment[] {
  const violations = judged.flatMap(({ invariant, verdict }) =>
    verdict.violations.flatMap((violation) => {
      const atMs = momentOf(violation, history);
      return atMs === undefined ? [] : [{ atMs, text: `${invariant}: ${violation}` }];
    }),
  );
  const failures = stories.map(({ atMs, text }) => ({ atMs, text }));
  return [...failures, ...violations]
    .slice(0, MOST_MOMENTS)
    .map((moment, i) => ({ id: `moment-${i}`, ...moment }));
}

const linked = (text: string, moment: Moment | undefined): string =>
  moment ? `<a href="#${moment.id}">show</a> ${escaped(text)}` : escaped(text);

function causes({ causes: stories }: Journal, moments: readonly Moment[]): string {
  if (stories.length === 0) return "";
  const items = stories.map(
    ({ text }) =>
      `<li>${linked(
        text,
        moments.find((moment) => moment.text === text),
      )}</li>`,
  );
  return `<h2>Why requests failed</h2><ul>${items.join("")}</ul>`;
}

function verdicts({ verdicts: judged }: Journal, moments: readonly Moment[]): string {
  if (judged.length === 0) return "";
  const rows = judged.map(({ invariant, verdict: { held, summary, violations } }) => {
    const found = violations.map((violation) => {
      const moment = moments.find(({ text }) => text === `${invariant}: ${violation}`);
      return `<li>${linked(violation, moment)}</li>`;
    });
    const word = held ? '<span class="good">held</span>' : '<span class="bad">violated</span>';
    const list = found.length > 0 ? `<ul>${found.join("")}</ul>` : "";
    return `<tr><td>${word}</td><td class="mono">${escaped(invariant)}</td><td>${escaped(summary)}${list}</td></tr>`;
  });
  return `<h2>Invariants</h2><table>${rows.join("\n")}</table>`;
}

function requests({ history: { operations } }: Journal): string {
  const clients = [...new Set(operations.map(({ client }) => client))];
  if (clients.length === 0) return "";
  const rows = clients.map((client) => {
    const own = operations.filter((operation) => operation.client === client);
    const took = ascending(own.filter(({ outcome }) => outcome === "ok").map(({ tookMs }) => tookMs));
    const cells = [
      own.length,
      own.length - took.length,
      ...[50, 90, 99, 100].map((share) => (took.length > 0 ? shownMs(percentile(took, share)) : "–")),
    ];
    return `<tr><td>${escaped(client)}</td>${cells.map((cell) => `<td class="n">${cell}</td>`).join("")}</tr>`;
  });
  const head = ["client", "requests", "failed", "p50", "p90", "p99", "slowest"].map(
    (name) => `<th>${name}</th>`,
  );
  return `<h2>Requests</h2><table><tr>${head.join("")}</tr>${rows.join("\n")}</table>`;
}

function faults({ history, rollbacks }: Journal): string {
  if (history.faults.length === 0) return "";
  const healings = new Map(rollbacks.map((rollback) => [rollback.id, rollback]));
  const rows = history.faults.slice(0, MOST_FAULTS).map((fault) => {
    const healing = healings.get(fault.id);
    const proof = healing
      ? healing.proven
        ? '<span class="good">healed, no component holds it</span>'
        : `<span class="bad">${healing.status === "succeeded" ? "healed, not proven" : "not healed"}</span>`
      : "–";
    return `<tr><td class="n">${momentIn(history, fault.atMs)}</td><td>${escaped(faultInWords(fault, history))}</td><td>${proof}</td></tr>`;
  });
  const more = history.faults.length - rows.length;
  const rest = more > 0 ? `<p class="dim">and ${more} more</p>` : "";
  return `<h2>Faults</h2><table><tr><th>at</th><th>what</th><th>healing</th></tr>${rows.join("\n")}</table>${rest}`;
}

function exploration({ exploration: found, seed }: Journal): string {
  if (!found) return "";
  const counts = `${found.seeds} seeds: ${found.held} held, ${found.violated} violated, ${found.couldNotRun} could not run; ${found.requests} requests (${found.failedRequests} failed), ${found.faults} faults. This page shows seed ${seed}.`;
  const rows = found.causes.map(
    ({ invariant, seeds, firstSeed, example }) =>
      `<tr><td class="mono">${escaped(invariant)}</td><td class="n">${seeds}</td><td class="mono">${escaped(firstSeed)}</td><td>${escaped(example)}</td></tr>`,
  );
  const head = "<tr><th>invariant</th><th>seeds</th><th>first</th><th>as told there</th></tr>";
  const table = rows.length > 0 ? `<table>${head}${rows.join("\n")}</table>` : "";
  return `<h2>All seeds</h2><p>${escaped(counts)}</p>${table}`;
}

function dropped({ history: { dropped: left } }: Journal): string {
  if (!left) return "";
  const counts = Object.entries(left).map(([kind, count]) => `${count} ${kind}`);
  return `<p class="dim">Left out to keep the history bounded: ${escaped(counts.join(", "))}</p>`;
}
