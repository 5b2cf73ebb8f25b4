/** A fault that was, or is about to be, injected: enough to heal it in another process. */
export interface JournalEntry {
  id: string;
  fault: string;
  /** Plain JSON. */
  target: unknown;
  injectedAtMs: number;
  endsAtMs: number;
}

/** Where open faults are written down before they are made. Durable live, in memory simulated. */
export interface FaultJournal {
  /** Resolves once it is durable. */
  open(entry: JournalEntry): void;
  /** The fault is healed. */
  close(id: string): void;
  /** What is not healed, oldest first. */
  entries(): readonly JournalEntry[];
}

export function memoryJournal(): FaultJournal {
  const open = new Map<string, JournalEntry>();
  return {
    open: (entry) => void open.set(entry.id, entry),
    close: (id) => void open.delete(id),
    entries: () => [...open.values()],
  };
}
