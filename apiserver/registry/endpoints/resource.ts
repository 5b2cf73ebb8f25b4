import { type Endpoints, type EndpointSubset, endpoints } from "../../../machinery/api/core-v1.js";
import { field } from "../../../machinery/api/field-error.js";
import { ipWarnings } from "../validation/ip.js";
import { ageColumn, ageOf, NONE, nameColumn, textColumn } from "../printing.js";
import { serve } from "../serve.js";
import { validateEndpoints } from "./validate.js";

function defaultEndpoints(object: Endpoints): void {
  for (const subset of object.subsets ?? []) for (const port of subset.ports ?? []) port.protocol ||= "TCP";
}

export const endpointsResource = serve<Endpoints>(endpoints, {
  strategy: {
    defaults: defaultEndpoints,
    validate: (object) => validateEndpoints(object),
    validateUpdate: validateEndpoints,
    warningsOnCreate: addressWarnings,
    warningsOnUpdate: addressWarnings,
    allowCreateOnUpdate: true,
    generationChanged: () => false,
  },
  deprecation: "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
  columns: [
    nameColumn,
    textColumn("Endpoints", "Addresses and ports that serve the Service of the same name."),
    ageColumn,
  ],
  row: (object, nowMs) => [object.metadata.name, formatSubsets(object.subsets ?? []), ageOf(object, nowMs)],
});

/** Upstream: endpointsWarnings. */
function addressWarnings({ subsets = [] }: Endpoints): string[] {
  return subsets.flatMap(({ addresses = [], notReadyAddresses = [] }, i) => {
    const at = field("subsets").index(i);
    return [
      ...addresses.flatMap(({ ip }, j) => ipWarnings(ip, at.child("addresses").index(j).child("ip"))),
      ...notReadyAddresses.flatMap(({ ip }, j) =>
        ipWarnings(ip, at.child("notReadyAddresses").index(j).child("ip")),
      ),
    ];
  });
}

const SHOWN = 3;

/** Upstream: formatEndpoints. */
function formatSubsets(subsets: readonly EndpointSubset[]): string {
  if (subsets.length === 0) return NONE;
  const all = subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0
      ? addresses.map((address) => address.ip)
      : ports.flatMap((port) => addresses.map(({ ip }) => joinHostPort(ip, port.port))),
  );
  const text = all.slice(0, SHOWN).join(",");
  return all.length > SHOWN ? `${text} + ${all.length - SHOWN} more...` : text;
}

const joinHostPort = (ip: string, port: number): string =>
  ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
