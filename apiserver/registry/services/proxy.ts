import type { Service } from "../../../machinery/api/core-v1.js";
import {
  type EndpointSlice,
  endpointSlices,
  SERVICE_NAME_LABEL,
} from "../../../machinery/api/discovery-v1.js";
import { newServiceUnavailable } from "../../../machinery/api/status.js";
import type { SocketAddress } from "../../../machinery/network/network.js";
import { type ProxyDialer, type ProxyTarget, proxySubresource, reachAddress } from "../proxy.js";
import type { ActionCall, Subresource } from "../serve.js";

/** `services/NAME/proxy`: any endpoint that is ready, chosen at random. */
export const serviceProxy = (dial: ProxyDialer | undefined): Subresource<Service> =>
  proxySubresource("Service", (call, target) => {
    if (!dial) throw newServiceUnavailable("this server is on no network");
    return reachAddress(dial, chooseEndpoint(call, target), target);
  });

/** Upstream: the service REST storage's ResourceLocation. */
function chooseEndpoint(call: ActionCall<Service>, target: ProxyTarget): SocketAddress {
  const portName = portNameOf(call.object, target);
  const slices = call.context.lookup
    .list(endpointSlices, call.namespace)
    .filter((slice) => slice.metadata.labels?.[SERVICE_NAME_LABEL] === target.name);
  const addresses = slices.flatMap((slice) => addressesOf(slice, portName));
  if (addresses.length === 0)
    throw newServiceUnavailable(
      `no endpoints available for service "${hasEndpoints(slices) ? call.name : target.name}"`,
    );
  return call.context.rng.pick(addresses);
}

const hasEndpoints = (slices: readonly EndpointSlice[]): boolean =>
  slices.some(({ endpoints }) => endpoints.length > 0);

function portNameOf({ spec }: Service, { name, port }: ProxyTarget): string {
  if (!/^\d+$/.test(port)) return port;
  const declared = spec.ports?.find((candidate) => candidate.port === Number(port));
  if (!declared) throw newServiceUnavailable(`no service port ${port} found for service "${name}"`);
  return declared.name ?? "";
}

function addressesOf({ endpoints, ports }: EndpointSlice, portName: string): SocketAddress[] {
  const port = ports?.find((candidate) => (candidate.name ?? "") === portName)?.port;
  if (port === undefined) return [];
  return endpoints
    .filter((endpoint) => endpoint.conditions?.ready !== false)
    .flatMap((endpoint) => endpoint.addresses.map((ip) => ({ ip, port })));
}
