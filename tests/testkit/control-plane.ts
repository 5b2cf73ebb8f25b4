import { admissionPlugins } from "../../apiserver/admission/plugins.js";
import type { ApiServer } from "../../apiserver/api-server.js";
import { bootstrap } from "../../apiserver/bootstrap.js";
import { Discovery } from "../../apiserver/discovery/discovery.js";
import { allResources } from "../../apiserver/registry/resources.js";
import { ControllerManager, type ControllerManagerOptions } from "../../controllers/controller-manager.js";
import type { Transport } from "../../machinery/api/http.js";
import { type Logger, silentLogger } from "../../machinery/api/logger.js";
import { directTransport } from "../../machinery/client/direct-transport.js";
import { RestClient } from "../../machinery/client/rest-client.js";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import { SimulationScheduler } from "../../simulation/scheduler.js";
import { VirtualClock } from "../../simulation/virtual-clock.js";
import { HollowKubelet } from "./hollow-kubelet.js";
import { inProcessApi } from "./in-process-api.js";

/** An API server, the controllers and hollow kubelets in one process, on a clock that moves only when asked. */
export interface ControlPlane {
  client: RestClient;
  transport: Transport;
  clock: VirtualClock;
  scheduler: SimulationScheduler;
  kubelet: HollowKubelet;
  manager: ControllerManager;
  /** Steps the clock until the condition holds. */
  eventually: (condition: () => Promise<boolean> | boolean, what?: string, limitMs?: number) => Promise<void>;
  /** Runs a call that needs the clock to move. */
  settle: <T>(call: Promise<T>) => Promise<T>;
}

async function startApi(clock: VirtualClock): Promise<ApiServer> {
  const options = { clock, rng: seededRng("api"), admission: admissionPlugins };
  const api = await inProcessApi(allResources(), options);
  const discovery = new Discovery({ resources: () => api.resources, serverAddress: "172.18.0.2:6443" });
  api.mount((request) => discovery.handle(request));
  await bootstrap({
    store: (descriptor) => api.store(descriptor),
    address: { ip: "172.18.0.2", port: 6443 },
  });
  return api;
}

export async function withControlPlane(
  body: (cluster: ControlPlane) => Promise<void>,
  options: Partial<ControllerManagerOptions> & { nodes?: number; log?: Logger } = {},
): Promise<void> {
  const clock = new VirtualClock();
  const scheduler = new SimulationScheduler(clock);
  const api = await scheduler.settle(startApi(clock));
  const transport = directTransport(api, { clientCertificate: { commonName: "test", organizations: [] } });
  const client = new RestClient({ transport, clock, userAgent: "test" });
  const kubelet = new HollowKubelet(client, clock);
  const manager = new ControllerManager({
    transport,
    clock,
    rng: seededRng("controllers"),
    logger: options.log ?? silentLogger,
    caCertificate: "-----BEGIN CERTIFICATE-----",
    leaderElect: false,
    ...options,
  });
  const controller = new AbortController();
  const running = [manager.run(controller.signal), kubelet.run(controller.signal)];
  const eventually: ControlPlane["eventually"] = (condition, what = "the condition", limitMs = 60_000) =>
    scheduler.runUntil(condition, limitMs, what);
  const settle = <T>(call: Promise<T>): Promise<T> => scheduler.settle(call);
  try {
    for (let i = 1; i <= (options.nodes ?? 3); i++) await settle(kubelet.register(`node-${i}`));
    await body({ client, transport, clock, scheduler, kubelet, manager, eventually, settle });
  } finally {
    controller.abort(new Error("test over"));
    await scheduler.settle(Promise.all(running));
    await scheduler.settle(api.stop());
  }
}
