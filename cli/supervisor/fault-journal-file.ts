import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import type { FaultJournal, JournalEntry } from "../../chaos/fault-journal.js";

/** The journal as a file of the data directory: durable before `open` returns, gone when nothing is open. */
export function fileJournal(file: string): FaultJournal {
  const open = new Map(readEntries(file).map((entry) => [entry.id, entry]));
  const save = (): void => {
    if (open.size === 0) rmSync(file, { force: true });
    else replaceDurably(file, JSON.stringify([...open.values()], undefined, 2));
  };
  return {
    open: (entry) => {
      open.set(entry.id, entry);
      save();
    },
    close: (id) => {
      if (open.delete(id)) save();
    },
    entries: () => [...open.values()],
  };
}

function readEntries(file: string): JournalEntry[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw err;
  }
  return JSON.parse(text) as JournalEntry[];
}

function replaceDurably(file: string, text: string): void {
  const temporary = `${file}.new`;
  const descriptor = openSync(temporary, "w", 0o600);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, file);
}
