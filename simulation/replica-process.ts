import { PortAllocator } from "../apiserver/registry/allocators/port-allocator.js";
import { DEFAULT_RANGES } from "../apiserver/registry/services/resource.js";
import { readOnly } from "../apiserver/replica-process.js";
import { feed, Replica } from "../apiserver/storage/replication.js";
import type { Storage } from "../apiserver/storage/storage.js";
import { whenAborted } from "../machinery/api/when-aborted.js";
import { fixtureSecrets } from "./api-server-process.js";
import { startControlPlane } from "./control-plane.js";
import type { Launch, Running } from "./simulated-process.js";
import type { World } from "./world.js";

/** The store of the API server that runs now, and when that process has ended. */
export interface Leader {
  storage: Storage;
  ended: AbortSignal;
}

export interface ReplicaProcessOptions {
  lagMs: number;
  historyMs: number;
  leader: () => Leader | undefined;
}

/** A read-only API server that is some time behind. */
export function launchReplica(world: World, launch: Launch, options: ReplicaProcessOptions): Running {
  const { clock, rng, logger, signal } = launch;
  let serving = false;
  const run = async (): Promise<void> => {
    const replica = await Replica.start(
      {
        ...options,
        clock,
        logger,
        feed: (after, stopped) => {
          const leader = options.leader();
          if (!leader) throw new Error("the leader is away");
          return feed(leader.storage, after, AbortSignal.any([stopped, leader.ended]));
        },
      },
      signal,
    );
    const { first, last } = DEFAULT_RANGES.nodePorts;
    const server = await startControlPlane({
      storage: replica.storage,
      clock,
      rng,
      secrets: fixtureSecrets(world.rng.fork(`secrets/replica-${launch.generation}`)),
      logger,
      kubelets: { to: (node) => world.kubeletTransport(node, clock) },
      nodePorts: new PortAllocator(first, last),
      follows: true,
    });
    world.replica.serve(readOnly(server), clock);
    serving = true;
    const following = replica.run(signal);
    await whenAborted(signal);
    await Promise.all([server.stop(), following]);
  };
  return {
    done: run(),
    handlers: {},
    ready: () => serving,
    ended: () => world.processEnded(clock),
  };
}
