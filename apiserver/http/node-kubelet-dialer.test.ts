import { expect, test } from "@jest/globals";
import type { Node } from "../../machinery/api/core-v1.js";
import { ConnectionError, type Network, type SocketAddress } from "../../machinery/network/network.js";
import { NodeKubeletDialer } from "./node-kubelet-dialer.js";

const get = { method: "GET", path: "/healthz", headers: {} };

function dialerFor(status: object): { dialer: NodeKubeletDialer; dialled: SocketAddress[] } {
  const dialled: SocketAddress[] = [];
  const network: Pick<Network, "connect"> = {
    connect(to) {
      dialled.push(to);
      return Promise.reject(new ConnectionError("refused"));
    },
  };
  const node = { metadata: { name: "node-1" }, status } as unknown as Node;
  const dialer = new NodeKubeletDialer({
    network: network as Network,
    nodeNamed: (name) => (name === "node-1" ? node : undefined),
    tls: { cert: "", key: "" },
  });
  return { dialer, dialled };
}

test("a kubelet is dialled at its node's InternalIP and port, a refusal reads as Go's", async () => {
  const { dialer, dialled } = dialerFor({
    addresses: [
      { type: "Hostname", address: "node-1" },
      { type: "InternalIP", address: "172.18.0.3" },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: 10999 } },
  });
  await expect(dialer.to("node-1").request(get)).rejects.toThrow(
    "dial tcp 172.18.0.3:10999: connect: connection refused",
  );
  expect(dialled).toEqual([{ ip: "172.18.0.3", port: 10999 }]);
});

test("a node that is not there, or has no address yet, cannot be reached", async () => {
  const { dialer } = dialerFor({ addresses: [{ type: "Hostname", address: "node-1" }] });
  await expect(dialer.to("node-2").request(get)).rejects.toThrow('nodes "node-2" not found');
  await expect(dialer.to("node-1").upgrade(get, [])).rejects.toThrow(
    "no preferred addresses found; known addresses: [node-1]",
  );
});
