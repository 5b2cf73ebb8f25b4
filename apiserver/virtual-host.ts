import { readFileSync } from "node:fs";
import type { Clock } from "../machinery/api/clock.js";
import type { Rng } from "../machinery/api/rng.js";
import { carrierUplink } from "../machinery/network/carrier-uplink.js";
import { ConnectionError } from "../machinery/network/network.js";
import type { Uplink } from "../machinery/network/uplink.js";
import { VirtualNetwork } from "../machinery/network/virtual-network.js";
import type { ApiServerProcessOptions } from "./options.js";

/** Where pods and nodes find the API server: the endpoint of Service default/kubernetes. */
export const VIRTUAL_ADDRESS = { ip: "172.18.0.2", ip6: "fd00:172:18::2", port: 6443 };

/** The API server's machine on the virtual network; alone there when no data plane was named. */
export function joinNetwork(options: ApiServerProcessOptions, clock: Clock, rng: Rng) {
  const uplink = options.dataplane ? carrierUplink(options.dataplane, clusterToken(options)) : NO_UPLINK;
  const network = new VirtualNetwork({ clock, rng, uplink });
  return {
    network,
    host: network.addHost([VIRTUAL_ADDRESS.ip, VIRTUAL_ADDRESS.ip6]),
    close: () => uplink.close(),
  };
}

const NO_UPLINK: Uplink & { close(): void } = {
  dial: () => Promise.reject(new ConnectionError("unreachable", "no data plane was named")),
  sendDatagram() {},
  close() {},
};

export const clusterToken = ({ clusterTokenFile }: ApiServerProcessOptions): string =>
  clusterTokenFile ? readFileSync(clusterTokenFile, "utf8").trim() : "";
