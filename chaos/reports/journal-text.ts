import type { Journal } from "./journal.js";

/**
 * The journal as JSON, in parts: a history may be longer than the longest text there can be. Each record of the history is a
 * line of its own.
 */
export function* journalText({ history, ...journal }: Journal): Generator<string> {
  yield "{\n";
  for (const [key, value] of Object.entries(journal))
    if (value !== undefined) yield `${JSON.stringify(key)}: ${JSON.stringify(value, undefined, 2)},\n`;
  yield '"history": {\n';
  let separator = "";
  for (const [key, value] of Object.entries(history)) {
    if (value === undefined) continue;
    yield `${separator}${JSON.stringify(key)}: `;
    if (Array.isArray(value)) yield* listText(value);
    else yield JSON.stringify(value);
    separator = ",\n";
  }
  yield "\n}\n}\n";
}

function* listText(records: readonly unknown[]): Generator<string> {
  yield "[";
  let separator = "\n";
  for (const record of records) {
    yield `${separator}${JSON.stringify(record)}`;
    separator = ",\n";
  }
  yield records.length > 0 ? "\n]" : "]";
}

const BATCH_CHARACTERS = 1_000_000;

/** The same in fewer and longer parts. */
export function* inBatches(parts: Iterable<string>): Generator<string> {
  let batch: string[] = [];
  let length = 0;
  for (const part of parts) {
    batch.push(part);
    length += part.length;
    if (length < BATCH_CHARACTERS) continue;
    yield batch.join("");
    batch = [];
    length = 0;
  }
  yield batch.join("");
}
