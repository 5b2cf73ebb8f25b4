import { defineKubeletFaults } from "../kubelet-sim/fault-points.js";
import { KubeletHost } from "../kubelet-sim/kubelet-host.js";
import { corednsImage } from "../kubelet-sim/images/coredns/coredns.js";
import { DnsFaults } from "../kubelet-sim/images/coredns/dns-faults.js";
import { images } from "../kubelet-sim/images/images.js";
import type { NodeConfig } from "../kubelet-sim/node/node-config.js";
import type { IpReuse } from "../kubelet-sim/runtime/ip-pool.js";
import { createRuntime, type RuntimeLatency } from "../kubelet-sim/runtime/runtime.js";
import type { Transport } from "../machinery/api/http.js";
import type { DirectIdentity } from "../machinery/client/direct-transport.js";
import { TransportFaults } from "../machinery/client/faults/transport-faults.js";
import { RestClient } from "../machinery/client/rest-client.js";
import { VirtualNetwork } from "../machinery/network/virtual-network.js";
import { KUBELET_CARRIER } from "./packet-paths.js";
import { built } from "./parts.js";
import type { Launch, Running } from "./simulated-process.js";
import { ADMIN, asMember, type World } from "./world.js";

const USER_AGENT = "kubelet/v1.36.0 (kubesim)";

export interface KubeletOptions {
  nodes: readonly NodeConfig[];
  ipReuse?: IpReuse | undefined;
  latency?: Partial<RuntimeLatency> | undefined;
}

/** All nodes, with their pods. */
export function launchKubelet(
  world: World,
  { clock, rng, logger, faults, signal, generation }: Launch,
  { nodes, ipReuse, latency }: KubeletOptions,
): Running & { kubelets: KubeletHost } {
  const network = new VirtualNetwork({ clock, rng: rng.fork("network"), uplink: world.packets.uplink });
  world.packets.register(network);
  const apiFaults = new TransportFaults({ clock, rng: rng.fork("faults") });
  apiFaults.define(faults);
  const dnsFaults = new DnsFaults();
  dnsFaults.define(faults);
  const path = (name: string): string => (generation === 1 ? name : `${name}/${generation}`);
  const transport = (name: string, client: string, identity: DirectIdentity): Transport =>
    apiFaults.wrap(world.apiTransport(path(name), clock, identity), client, () =>
      world.replicaTransport(path(name), clock, identity),
    );
  const newClient = (name: string, client: string, identity: DirectIdentity): RestClient =>
    new RestClient({ transport: transport(name, client, identity), clock, userAgent: USER_AGENT });
  const kubelets = new KubeletHost({
    nodes,
    clientFor: (node) => newClient(`kubelet/${node}`, node, asMember(`system:node:${node}`, "system:nodes")),
    client: newClient("kubelet/shared", "kubelet", ADMIN),
    runtimeFor: (request) =>
      createRuntime(
        built(world.parts.runtime, {
          ...request,
          network,
          clock,
          rng: rng.fork(`runtime/${request.nodeName}`),
          logger,
          ...(ipReuse ? { ipReuse } : {}),
          ...(latency ? { latency } : {}),
          apiAccess: (token, pod) => transport(`pod/${request.nodeName}`, `pods/${pod}`, { token }),
          images: [...images, corednsImage(dnsFaults)],
        }),
      ),
    network,
    clock,
    rng,
    logger,
    config: { carrier: KUBELET_CARRIER },
  });
  defineKubeletFaults(faults, kubelets);
  for (const { name, server } of kubelets.kubelets) world.serveKubelet(name, server, clock);
  return {
    kubelets,
    done: kubelets.run(signal),
    handlers: kubelets.adminHandlers(),
    ready: () => kubelets.isReady,
    ended: () => {
      world.packets.unregister();
      world.processEnded(clock);
    },
  };
}
