import type { Clock } from "../machinery/api/clock.js";
import { TransportFaults } from "../machinery/client/faults/transport-faults.js";
import { RestClient } from "../machinery/client/rest-client.js";
import type { DataPlane } from "../proxy-sim/dataplane/data-plane.js";
import type { DataPlaneApi, ProgramResult } from "../proxy-sim/dataplane/table.js";
import { defineProxyFaults } from "../proxy-sim/fault-points.js";
import { Proxy } from "../proxy-sim/proxy.js";
import { built } from "./parts.js";
import { drawLatency } from "./latency-range.js";
import type { Launch, Running } from "./simulated-process.js";
import type { SkewableClock } from "../machinery/runtime/skewable-clock.js";
import { asMember, type World } from "./world.js";

/** The data plane that runs now, and when it has ended. */
export interface DataPlaneProcess {
  dataPlane: DataPlane;
  clock: SkewableClock;
  ended: Promise<void>;
}

const IDENTITY = asMember("system:kube-proxy", "system:masters");
const USER_AGENT = "kube-proxy/v1.36.0 (kubesim)";

export interface ProxyProcessOptions {
  name: string;
  mode?: string | undefined;
  dataPlane: () => DataPlaneProcess | undefined;
}

export function launchProxy(
  world: World,
  launch: Launch,
  { name, mode, dataPlane }: ProxyProcessOptions,
): Running & { proxy: Proxy } {
  const { clock, rng, logger, faults, signal } = launch;
  const apiFaults = new TransportFaults({ clock, rng: rng.fork("faults") });
  apiFaults.define(faults);
  const proxy = new Proxy(
    built(world.parts.proxy, {
      client: new RestClient({
        transport: apiFaults.wrap(world.apiTransport(name, clock, IDENTITY), "proxy", () =>
          world.replicaTransport(name, clock, IDENTITY),
        ),
        clock,
        userAgent: USER_AGENT,
      }),
      dataPlane: dataPlaneLink(world, launch, dataPlane),
      clock,
      rng,
      logger,
      ...(mode ? { config: { mode } } : {}),
    }),
  );
  defineProxyFaults(faults, proxy);
  return {
    proxy,
    done: proxy.run(signal),
    handlers: proxy.adminHandlers(),
    ready: () => proxy.ready,
    ended: () => world.processEnded(clock),
  };
}

const RETRY_MS = 50;

/** The admin socket between proxy and data plane: calls take their time, and fail when nobody is there. */
function dataPlaneLink(
  { clock: master, latencies }: World,
  { clock, rng }: Launch,
  current: () => DataPlaneProcess | undefined,
): DataPlaneApi {
  const latency = drawLatency(rng.fork("data-plane"), latencies.network);
  const backTo = (resume: () => void): void => void master.setTimer(latency(), () => clock.deliver(resume));
  return {
    program: (transaction) =>
      new Promise<ProgramResult>((resolve, reject) => {
        master.setTimer(latency(), () => {
          const there = current();
          if (!there) return backTo(() => reject(new Error("connect ENOENT: the data plane is not there")));
          there.clock.deliver(() => {
            there.dataPlane.program(transaction).then(
              (result) => backTo(() => resolve(result)),
              (err: unknown) => backTo(() => reject(err as Error)),
            );
          });
          void there.ended.then(() => backTo(() => reject(new Error("read ECONNRESET"))));
        });
      }),
    async *boots(signal) {
      while (!signal.aborted) {
        const there = current();
        if (there) {
          const ended = new AbortController();
          void there.ended.then(() => ended.abort());
          yield* there.dataPlane.boots(AbortSignal.any([signal, ended.signal]));
        }
        await pause(clock, signal);
      }
    },
  };
}

const pause = (clock: Clock, signal: AbortSignal): Promise<void> =>
  clock.sleep(RETRY_MS, signal).catch(() => {});
