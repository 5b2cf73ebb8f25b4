import type { ServicePort, ServiceSpec } from "../../../machinery/api/core-v1.js";
import {
  duplicate,
  type FieldError,
  type FieldPath,
  field,
  forbidden,
  invalid,
  notSupported,
  required,
} from "../../../machinery/api/field-error.js";
import { isQualifiedName } from "../../../machinery/api/names.js";
import { PROTOCOLS, portNumber, portNumberOrName } from "../validation/fields.js";
import { check, checkLabel } from "../validation/labels.js";

const at = field("spec", "ports");
const KUBELET_PORT = 10250;

/** Upstream: validateServicePort for each. */
export function validatePorts(ports: readonly ServicePort[]): FieldError[] {
  const names = new Set<string>();
  return ports.flatMap((port, i) => validatePort(port, ports.length > 1, names, at.index(i)));
}

function validatePort(
  port: ServicePort,
  needsName: boolean,
  names: Set<string>,
  path: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  if (needsName && !port.name) errors.push(required(path.child("name")));
  else if (port.name) {
    errors.push(...checkLabel(port.name, path.child("name")));
    if (names.has(port.name)) errors.push(duplicate(path.child("name"), port.name));
    names.add(port.name);
  }
  errors.push(...portNumber(port.port ?? 0, path.child("port")));
  if (!PROTOCOLS.includes(port.protocol))
    errors.push(notSupported(path.child("protocol"), port.protocol, PROTOCOLS));
  errors.push(...portNumberOrName(port.targetPort, path.child("targetPort")));
  if (port.appProtocol !== undefined)
    errors.push(...check(isQualifiedName, port.appProtocol, path.child("appProtocol")));
  return errors;
}

/** A cloud that opens the port of a node's kubelet would open the node. */
export const validateKubeletPort = (ports: readonly ServicePort[]): FieldError[] =>
  ports.flatMap(({ port }, i) =>
    port === KUBELET_PORT
      ? [
          invalid(
            at.index(i),
            port,
            `may not expose port ${KUBELET_PORT} externally since it is used by kubelet`,
          ),
        ]
      : [],
  );

/** What is forbidden or said twice, by protocol and number. */
export function validateNodePorts({ type, ports = [] }: ServiceSpec): FieldError[] {
  const path = (i: number): FieldPath => at.index(i).child("nodePort");
  const errors: FieldError[] = [];
  if (type === "ClusterIP")
    ports.forEach(({ nodePort }, i) => {
      if (nodePort) errors.push(forbidden(path(i), "may not be used when `type` is 'ClusterIP'"));
    });
  repeated(ports, ({ nodePort }) => nodePort ?? 0).forEach((i) =>
    errors.push(duplicate(path(i), ports[i]?.nodePort)),
  );
  repeated(ports, ({ port }) => port).forEach((i) =>
    errors.push(duplicate(at.index(i), internalPort(ports[i]))),
  );
  return errors;
}

/** Indexes of ports whose number an earlier port of the same protocol has. */
function repeated(ports: readonly ServicePort[], numberOf: (port: ServicePort) => number): number[] {
  const seen = new Set<string>();
  return ports.flatMap((port, i) => {
    const number = numberOf(port);
    const key = `${port.protocol}/${number}`;
    const isRepeated = number !== 0 && seen.has(key);
    seen.add(key);
    return isRepeated ? [i] : [];
  });
}

/** Messages show the server's internal form of a port. */
const internalPort = (port: ServicePort | undefined): object => ({
  Name: "",
  Protocol: port?.protocol,
  AppProtocol: null,
  Port: port?.port,
  TargetPort: 0,
  NodePort: 0,
});
