import { defineFault, type Fault, type ParameterSpec } from "../fault.js";
import { definePointFault, given } from "../point-fault.js";
import type { Reach } from "../reach.js";

interface StoreKind {
  name: string;
  summary: string;
  parameters?: Record<string, ParameterSpec>;
  toPoint: (parameters: Record<string, unknown>) => Record<string, unknown>;
}

const kinds: readonly StoreKind[] = [
  {
    name: "store-full",
    summary: "the disk is full: writes fail, reads go on (live: SQLite's own SQLITE_FULL)",
    toPoint: () => ({ full: true }),
  },
  {
    name: "store-busy",
    summary: "the store is locked: every commit is refused (live: in the commit queue)",
    toPoint: () => ({ busy: true }),
  },
  {
    name: "store-slow-fsync",
    summary: "commits wait for their disk (live: in the commit queue)",
    parameters: {
      delay: { type: "duration", help: "of each commit" },
      jitter: { type: "duration", help: "at most so much more, drawn anew", default: "0s" },
    },
    toPoint: ({ delay, jitter }) => ({ fsyncMinMs: delay, fsyncMaxMs: Number(delay) + Number(jitter) }),
  },
  {
    name: "store-kill-mid-write",
    summary: "the API server dies in the middle of its next commit (live: SIGKILL within the transaction)",
    parameters: {
      leaves: {
        type: "choice",
        help: "torn: nothing of the commit; written: all of it, but nobody was told; power-loss (simulated only): what was synced",
        choices: ["torn", "written", "power-loss"],
        default: "torn",
      },
    },
    toPoint: ({ leaves }) => ({ crash: leaves }),
  },
];

const storePoints: readonly Fault[] = kinds.map(({ name, summary, parameters = {}, toPoint }) =>
  definePointFault({
    name,
    summary,
    layer: "store",
    targets: "none",
    parameters,
    choose: (_context, spec) =>
      Promise.resolve({
        leases: [
          { component: "apiserver" as const, point: "store", parameters: given(toPoint(spec.parameters)) },
        ],
        hits: ["store"],
      }),
  }),
);

const compactNow = definePointFault({
  name: "store-compact",
  summary: "all history is compacted now: watches and pages that need it get 410",
  layer: "store",
  targets: "none",
  momentary: true,
  choose: () =>
    Promise.resolve({
      leases: [{ component: "apiserver" as const, point: "compact", parameters: {} }],
      hits: ["store"],
    }),
});

interface StoreTarget {
  /** 0 to 1: which bit. */
  draw: number;
}

/** Stops the API server, does something to its file, and starts it again. */
async function whileStopped({ processes }: Reach, work: () => Promise<void>): Promise<void> {
  await processes.stop("apiserver");
  try {
    await work();
  } finally {
    await processes.start("apiserver");
  }
}

const bitFlip = defineFault<StoreTarget>({
  name: "store-bit-flip",
  summary:
    "a bit of the stopped store turns over: its checksum is wrong, and the API server refuses to start until it is mended",
  layer: "store",
  targets: "none",
  parameters: {},
  claims: () => ["process/apiserver", "store file"],
  choose: ({ rng }) => Promise.resolve<StoreTarget | undefined>({ draw: rng.next() }),
  inject: (reach, { draw }, { id }) =>
    whileStopped(reach, async () => {
      await reach.store.save(id);
      await reach.store.flipBit(draw);
    }),
  heal: (reach, _target, { id }) => whileStopped(reach, () => reach.store.restore(id)),
});

const rollback = defineFault<StoreTarget>({
  name: "store-rollback",
  summary:
    "at its end the store is put back to what it was at its start, as from an older snapshot: writes between are lost",
  layer: "store",
  targets: "none",
  parameters: {},
  claims: () => ["process/apiserver", "store file"],
  choose: () => Promise.resolve<StoreTarget | undefined>({ draw: 0 }),
  inject: (reach, _target, { id }) => whileStopped(reach, () => reach.store.save(id)),
  heal: (reach, _target, { id }) => whileStopped(reach, () => reach.store.restore(id)),
});

/** What becomes of the API server's store. */
export const storeFaults: readonly Fault[] = [...storePoints, compactNow, bitFlip, rollback];
