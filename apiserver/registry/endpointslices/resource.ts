import { type EndpointSlice, endpointSlices } from "../../../machinery/api/discovery-v1.js";
import { ageColumn, ageOf, nameColumn, textColumn, UNSET } from "../printing.js";
import { serve } from "../serve.js";
import { semanticEqual } from "../semantic-equal.js";
import { addressTypeWarnings, addressWarnings } from "./warnings.js";
import { validateEndpointSlice, validateEndpointSliceUpdate } from "./validate.js";

function defaultEndpointSlice(slice: EndpointSlice): void {
  slice.endpoints ??= [];
  for (const port of slice.ports ?? []) {
    port.name ??= "";
    port.protocol ||= "TCP";
  }
}

export const endpointSliceResource = serve<EndpointSlice>(endpointSlices, {
  strategy: {
    defaults: defaultEndpointSlice,
    prepareForCreate(slice) {
      slice.metadata.generation = 1;
    },
    validate: (slice) => validateEndpointSlice(slice),
    validateUpdate: validateEndpointSliceUpdate,
    warningsOnCreate: (slice) => [...addressTypeWarnings(slice), ...addressWarnings(slice)],
    warningsOnUpdate: addressWarnings,
    generationChanged: (slice, old) =>
      !semanticEqual(contentOf(slice), contentOf(old)) ||
      !semanticEqual(slice.metadata.labels, old.metadata.labels),
  },
  columns: [
    nameColumn,
    textColumn("AddressType", "Kind of the addresses: IPv4, IPv6 or FQDN."),
    textColumn("Ports", "Ports that every endpoint of the slice exposes."),
    textColumn("Endpoints", "Addresses of the endpoints."),
    ageColumn,
  ],
  row: (slice, nowMs) => [
    slice.metadata.name,
    slice.addressType,
    shorten(
      (slice.ports ?? []).map((port) => (port.port === undefined ? port.name || "*" : String(port.port))),
    ),
    shorten(slice.endpoints.flatMap((endpoint) => endpoint.addresses)),
    ageOf(slice, nowMs),
  ],
});

const contentOf = ({ addressType, endpoints, ports }: EndpointSlice) => ({ addressType, endpoints, ports });

const SHOWN = 3;
function shorten(list: readonly string[]): string {
  const text = list.slice(0, SHOWN).join(",");
  if (list.length > SHOWN) return `${text} + ${list.length - SHOWN} more...`;
  return text === "" ? UNSET : text;
}
