import { CannotRun } from "../cannot-run.js";
import { containersOf, type GivenService, namespaceOf, type Subject } from "./subject.js";
import type { Upheaval } from "./upheavals.js";

/** Clients of a scenario's document, and what they cannot try. */
export interface Clients {
  traffic: Record<string, unknown>[];
  /** One line for each client, for the report. */
  covered: string[];
  notCovered: string[];
  /** Names are asked for: cluster DNS must be there. */
  needsDns: boolean;
}

/** More Services of one Deployment than these would only repeat each other. */
const MOST_SERVICES = 3;
/** An answer of the application is an answer, whatever it thinks of the request: only its 5xx are losses. */
const ANSWERS = [
  200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 406, 410, 415, 422, 426,
  429,
];
const FIRST_ADDRESS = 40;

type Port = NonNullable<NonNullable<GivenService["spec"]>["ports"]>[number];

/** Who calls the Deployment's Services, and from where. Rejects with CannotRun when nobody could. */
export function clientsOf(subject: Subject, upheaval: Upheaval): Clients {
  const clients: Clients = { traffic: [], covered: [], notCovered: [], needsDns: false };
  for (const [i, service] of subject.services.entries()) {
    if (i >= MOST_SERVICES) clients.notCovered.push(`Service ${service.metadata.name}: one of many`);
    else addClients(clients, subject, service, upheaval);
  }
  if (clients.traffic.length === 0)
    throw new CannotRun(`nobody could call Deployment "${subject.name}": ${clients.notCovered.join("; ")}`);
  return clients;
}

function addClients(clients: Clients, subject: Subject, service: GivenService, upheaval: Upheaval): void {
  const { name } = service.metadata;
  const [port] = service.spec?.ports ?? [];
  if (!port) return void clients.notCovered.push(`Service ${name}: it has no ports`);
  if (port.protocol === "SCTP") return void clients.notCovered.push(`Service ${name}: SCTP is not simulated`);
  if (service.spec?.internalTrafficPolicy === "Local")
    clients.notCovered.push(
      `Service ${name} from pods: with internalTrafficPolicy Local only nodes with an endpoint are served`,
    );
  else addInside(clients, subject, { service, port, upheaval });
  addOutside(clients, { service, port, upheaval });
}

interface Calling {
  service: GivenService;
  port: Port;
  upheaval: Upheaval;
}

function addInside(clients: Clients, subject: Subject, { service, port, upheaval }: Calling): void {
  const { name } = service.metadata;
  const headless = service.spec?.clusterIP === "None";
  const udp = port.protocol === "UDP";
  const host = headless ? `${name}.${namespaceOf(service)}.svc.cluster.local` : clusterIPOf(subject, service);
  const number = headless ? targetPortOf(subject, port) : port.port;
  if (headless) clients.needsDns = true;
  const url = udp ? `udp://${host}:${number}` : `http://${host}:${number}${pathOf(subject)}`;
  const nodes = headless || udp ? upheaval.clientNodes.slice(0, 1) : upheaval.clientNodes;
  for (const node of nodes) clients.traffic.push(client(`${name}-${node}`, { url, node, upheaval }));
  const kept = upheaval.clientNodes.at(-1) ?? "node-1";
  if (!udp && !headless)
    clients.traffic.push(client(`${name}-kept`, { url, node: kept, upheaval, keepAlive: true }));
  clients.covered.push(
    `${url} from pods on ${nodes.join(", ")}${udp || headless ? "" : `; on kept connections from ${kept}`}`,
  );
}

const client = (
  name: string,
  { url, node, upheaval, keepAlive }: { url: string; node: string; upheaval: Upheaval; keepAlive?: boolean },
): Record<string, unknown> => ({
  name,
  from: "pod",
  url,
  node,
  perSecond: upheaval.perSecond,
  start: "4s",
  expect: ANSWERS,
  ...(keepAlive ? { keepAlive } : {}),
});

/** A node port is called at the first node. */
function addOutside(clients: Clients, { service, port, upheaval }: Calling): void {
  const { name } = service.metadata;
  const type = service.spec?.type;
  if ((type !== "NodePort" && type !== "LoadBalancer") || port.protocol === "UDP") return;
  if (service.spec?.externalTrafficPolicy === "Local")
    return void clients.notCovered.push(
      `Service ${name} from outside: with externalTrafficPolicy Local a balancer must ask the health check port`,
    );
  clients.traffic.push({
    name: `${name}-outside`,
    from: "host",
    namespace: namespaceOf(service),
    service: name,
    perSecond: upheaval.perSecond,
    start: "4s",
    expect: ANSWERS,
  });
  clients.covered.push(`the node port of ${name} from outside, at node-1`);
}

/** The Service's own, or one that the simulation gives it. */
export function clusterIPOf(subject: Subject, service: GivenService): string {
  const given = service.spec?.clusterIP;
  if (given) return given;
  return `10.96.0.${FIRST_ADDRESS + subject.services.indexOf(service)}`;
}

/** Where the pods listen, as the first Service says: a number or the name of a container's port. */
export function backendPortOf({ services }: Subject): number | string {
  const [port] = services.flatMap(({ spec }) => spec?.ports ?? []);
  return port?.targetPort ?? port?.port ?? 80;
}

function targetPortOf(subject: Subject, { port, targetPort }: Port): number | undefined {
  if (typeof targetPort !== "string") return targetPort ?? port;
  const named = containersOf(subject.deployment)
    .flatMap(({ ports = [] }) => ports)
    .find(({ name }) => name === targetPort);
  return named?.containerPort;
}

/** What the readiness probe asks for is answered; otherwise the root. */
function pathOf({ deployment }: Subject): string {
  const [path = "/"] = containersOf(deployment).flatMap(({ readinessProbe }) =>
    readinessProbe?.httpGet?.path ? [readinessProbe.httpGet.path] : [],
  );
  return path.startsWith("/") ? path : `/${path}`;
}
