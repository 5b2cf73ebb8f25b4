import type { Rng } from "../../machinery/api/rng.js";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import { SCENARIO_API_VERSION, SCENARIO_KIND } from "../scenario/parse.js";
import { type Given, namespaceOf, sameObject, type Subject } from "./subject.js";
import { BOOT_SECONDS } from "./timing.js";
import { type Clients, clientsOf, clusterIPOf } from "./traffic.js";
import type { Upheaval } from "./upheavals.js";

export interface VerifyScenario {
  subject: Subject;
  upheaval: Upheaval;
  seed: string;
  /** Overrides how long the upheaval's runs take. */
  durationMs?: number | undefined;
  /** Requests that a crashed node takes with it count as well. */
  strict?: boolean | undefined;
}

const NODES = 3;
const BEFORE_SECONDS = 6;
/** kube-proxy's --iptables-min-sync-period. */
const MIN_SYNC_PERIOD = "1s";
/** Of watches, in a run: its slowest event takes at least and at most so long. */
const SLOWEST_WATCH_MS = { least: 20, most: 300 };
/** A proxy that has more to do than to listen: how much later than the others it knows. */
const LONGEST_PROXY_LAG_MS = 300;

/** One upheaval under load on a simulated cluster whose latencies follow from the seed, as a scenario's document. */
export function verifyDocument(options: VerifyScenario): Record<string, unknown> {
  const { subject, upheaval, seed } = options;
  const { traffic, needsDns } = clientsOf(subject, upheaval);
  const durationMs = options.durationMs ?? (BEFORE_SECONDS + upheaval.seconds(subject)) * 1000;
  const rng = seededRng(seed).fork("verify");
  return {
    apiVersion: SCENARIO_API_VERSION,
    kind: SCENARIO_KIND,
    metadata: { name: `${subject.name}-${upheaval.name.replaceAll(" ", "-")}` },
    spec: {
      seed,
      duration: `${Math.round(durationMs)}ms`,
      cluster: { nodes: NODES, dns: needsDns, latencies: latenciesOf(rng), images: imagesOf() },
      manifests: manifestsOf(subject),
      traffic,
      steps: [...proxySteps(rng), ...upheaval.steps(subject)],
      invariants: [{ name: "no-request-lost", ...(options.strict ? { parameters: { strict: true } } : {}) }],
    },
  };
}

/** Rare slowness is most of what is found: half of the runs have watches that are slow at times. */
function latenciesOf(rng: Rng): Record<string, string> {
  const { least, most } = SLOWEST_WATCH_MS;
  const slowest = Math.round(least * (most / least) ** rng.fork("watch").next());
  return { api: "0.5ms-10ms", network: "0.1ms-2ms", watch: `2ms-${slowest}ms` };
}

const imagesOf = () => ({
  default: {
    pull: "100ms-1s",
    start: "100ms-800ms",
    boot: `${BOOT_SECONDS.min}s-${BOOT_SECONDS.max}s`,
  },
});

const proxySteps = (rng: Rng): Record<string, unknown>[] => [
  { name: "sync-period", fault: "proxy-min-sync-period", at: "0s", parameters: { period: MIN_SYNC_PERIOD } },
  ...Array.from({ length: NODES }, (_, i) => ({
    name: `slow-proxy-${i + 1}`,
    fault: "proxy-lag",
    at: "0s",
    target: { node: `node-${i + 1}` },
    parameters: { lag: `${rng.fork(`proxy/${i + 1}`).int(1, LONGEST_PROXY_LAG_MS)}ms` },
  })),
];

/** Everything of the files, in the namespaces that they name, with cluster IPs that the clients know. */
function manifestsOf(subject: Subject): Given[] {
  const namespaces = [...new Set(subject.objects.map(namespaceOf))].filter((name) => name !== "default");
  const missing = namespaces.filter(
    (name) => !subject.objects.some(({ kind, metadata }) => kind === "Namespace" && metadata.name === name),
  );
  return [
    ...missing.map((name) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } }) as Given),
    ...subject.objects.map((object) => withClusterIP(subject, object)),
  ];
}

function withClusterIP(subject: Subject, object: Given): Given {
  const service = subject.services.find((candidate) => sameObject(candidate, object));
  if (!service) return object;
  return { ...object, spec: { ...service.spec, clusterIP: clusterIPOf(subject, service) } } as Given;
}

/** What is tried of a Deployment, and what is not. */
export const coverageOf = (subject: Subject, upheaval: Upheaval): Omit<Clients, "traffic"> =>
  clientsOf(subject, upheaval);
