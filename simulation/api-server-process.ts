import type { ApiServer } from "../apiserver/api-server.js";
import { EventExpiry } from "../apiserver/event-expiry.js";
import { PortAllocator } from "../apiserver/registry/allocators/port-allocator.js";
import { DEFAULT_RANGES } from "../apiserver/registry/services/resource.js";
import { ServiceRepair } from "../apiserver/repair/service-repair.js";
import { RequestFaults } from "../apiserver/request-faults.js";
import { StorageEngine } from "../apiserver/storage/engine.js";
import { defineCompaction } from "../apiserver/storage/store-faults.js";
import { events } from "../machinery/api/core-v1.js";
import type { Rng, Secrets } from "../machinery/api/rng.js";
import { whenAborted } from "../machinery/api/when-aborted.js";
import { startControlPlane } from "./control-plane.js";
import { built } from "./parts.js";
import type { Launch, Running } from "./simulated-process.js";
import type { World } from "./world.js";

export const DEFAULT_HISTORY_MS = 3_600_000;

export interface ApiServerParts {
  storage: StorageEngine;
}

/** Opens the disk as it was left, fills what is missing, and serves until it is told to stop. */
export function launchApiServer(
  world: World,
  launch: Launch,
  options: { historyMs?: number | undefined; kill: () => void },
): Running & ApiServerParts {
  const { clock, rng, logger, faults, signal } = launch;
  const { disk } = world;
  disk.defineFaults(faults);
  const storage = new StorageEngine(
    built(world.parts.storage, {
      journal: disk.open(options.kill),
      clock,
      logger,
      schedule: (run) => {
        const fsyncMs = disk.nextFsyncMs();
        if (fsyncMs > 0) clock.setTimer(fsyncMs, run);
        else queueMicrotask(run);
      },
      historyMs: options.historyMs ?? DEFAULT_HISTORY_MS,
      window: { events: Infinity, bytes: Infinity },
    }),
  );
  defineCompaction(faults, storage);
  let serving = false;
  const run = async (): Promise<void> => {
    const { first, last } = DEFAULT_RANGES.nodePorts;
    const nodePorts = new PortAllocator(first, last);
    const server = await startControlPlane({
      storage,
      clock,
      rng,
      secrets: fixtureSecrets(world.rng.fork(`secrets/${launch.generation}`)),
      logger,
      kubelets: { to: (node) => world.kubeletTransport(node, clock) },
      nodePorts,
      part: world.parts.apiServer,
    });
    const repair = new ServiceRepair({
      store: (descriptor) => server.store(descriptor),
      nodePorts,
      clock,
      logger,
    });
    await repair.sweep();
    const breakable = new RequestFaults(server, { clock, rng: rng.fork("faults") });
    breakable.define(faults);
    world.api.serve(breakable, clock);
    serving = true;
    const expiry = new EventExpiry({ events: server.store(events), clock, logger }).run(signal);
    const repairing = repair.run(signal);
    await whenAborted(signal);
    await Promise.all([stop(server), expiry, repairing]);
    await storage.close();
  };
  return {
    done: run(),
    storage,
    handlers: {
      "GET /health": () => {
        const reason = storage.health();
        return { ready: reason === undefined, ...(reason ? { reason } : {}) };
      },
      "GET /storage": () => ({
        revision: storage.revision,
        compactedRevision: storage.compactedRevision,
        keys: storage.count(""),
        watches: storage.watchCount,
      }),
    },
    ready: () => serving,
    ended: () => {
      disk.ownerEnded();
      world.processEnded(clock);
    },
  };
}

const stop = (server: ApiServer): Promise<void> => server.stop();

/** Same bytes in every run of a seed: nothing secret is protected in a simulation. */
export const fixtureSecrets = (rng: Rng): Secrets => ({
  randomBytes: (length) => Uint8Array.from({ length }, () => rng.int(0, 255)),
});
