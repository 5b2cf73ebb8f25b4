import { type Checker, secondsIn, verdictOf } from "../checker.js";
import type { History, PodRecord, ServiceRecord } from "../history.js";

interface Change {
  atMs: number;
  ready: boolean;
}

/** By `service pod address`. */
type Changes = Map<string, Change[]>;

/**
 * At any time the ready endpoints of a Service are its ready pods (all of them, if it publishes unready ones), but for as long
 * as the time allows: compared are two histories, that of pods and Services and that of the slices, and every moment counts.
 */
export const endpointsConverge: Checker = {
  name: "endpoints-converge",
  summary: "endpoints equal the ready pods within the budget's time",
  parameters: {
    within: { type: "duration", help: "without budgets.endpointsConvergeWithin", default: "5s" },
  },
  budgets: ["endpointsConvergeWithinMs"],
  check(history, { budgets }, { within }) {
    const limitMs = budgets.endpointsConvergeWithinMs ?? Number(within);
    const wanted = readyPods(history);
    const found = readyEndpoints(history, new Set(servicesWithSelector(history).keys()));
    const violations: string[] = [];
    let judged = 0;
    for (const key of new Set([...wanted.keys(), ...found.keys()])) {
      judged += (wanted.get(key) ?? []).length;
      for (const { fromMs, ready } of disagreements(
        wanted.get(key),
        found.get(key),
        limitMs,
        history.endedAtMs,
      ))
        violations.push(inWords(key, fromMs, ready, limitMs, history));
    }
    return verdictOf(
      violations,
      `${judged} changes of pods were in EndpointSlices within ${limitMs} ms`,
      `${violations.length} times endpoints were not the ready pods for more than ${limitMs} ms`,
    );
  },
};

function inWords(key: string, fromMs: number, ready: boolean, limitMs: number, history: History): string {
  const [service, pod, address] = key.split(" ");
  const [was, said] = ready ? ["ready", "no ready endpoint"] : ["not ready", "a ready endpoint"];
  return `${secondsIn(history, fromMs)} ${pod} (${address}) was ${was}, and ${limitMs} ms later it was still ${said} of ${service}`;
}

/** Stretches of more than the limit in which the two differ; `ready` is what the pod was. */
function disagreements(
  wanted: readonly Change[] = [],
  found: readonly Change[] = [],
  limitMs: number,
  endedAtMs: number,
): { fromMs: number; ready: boolean }[] {
  const moments = [
    ...wanted.map((change) => ({ ...change, isPod: true })),
    ...found.map((change) => ({ ...change, isPod: false })),
  ].sort((a, b) => a.atMs - b.atMs);
  const long: { fromMs: number; ready: boolean }[] = [];
  let [pod, endpoint] = [false, false];
  for (const [i, { atMs, ready, isPod }] of moments.entries()) {
    if (isPod) pod = ready;
    else endpoint = ready;
    const untilMs = moments[i + 1]?.atMs ?? endedAtMs;
    if (pod !== endpoint && untilMs - atMs > limitMs) long.push({ fromMs: atMs, ready: pod });
  }
  return long;
}

/** Every state there was of each Service that chooses its pods. */
function servicesWithSelector({ services }: History): Map<string, ServiceRecord[]> {
  const records = new Map<string, ServiceRecord[]>();
  for (const record of services) {
    const known = records.get(record.service);
    if (known) known.push(record);
    else records.set(record.service, [record]);
  }
  for (const [service, states] of records)
    if (!states.some(({ selector }) => Object.keys(selector ?? {}).length > 0)) records.delete(service);
  return records;
}

function readyPods(history: History): Changes {
  const byLabel = podsByLabel(history.pods);
  const changes: Changes = new Map();
  for (const [service, states] of servicesWithSelector(history)) {
    const namespace = service.slice(0, service.indexOf("/") + 1);
    const candidates = new Set(
      states.flatMap(({ selector = {} }) => {
        const [first] = Object.entries(selector);
        return first ? [...(byLabel.get(labelKey(namespace, ...first)) ?? [])] : [];
      }),
    );
    for (const records of candidates) addPod(changes, service, states, records);
  }
  return changes;
}

const labelKey = (namespace: string, label: string, value: string): string =>
  `${namespace} ${label}=${value}`;

/** By namespace and label: the records of each pod that ever had it. */
function podsByLabel(pods: readonly PodRecord[]): Map<string, Set<PodRecord[]>> {
  const byPod = new Map<string, PodRecord[]>();
  const byLabel = new Map<string, Set<PodRecord[]>>();
  for (const record of pods) {
    const records = byPod.get(record.pod) ?? [];
    byPod.set(record.pod, records);
    records.push(record);
    const namespace = record.pod.slice(0, record.pod.indexOf("/") + 1);
    for (const [label, value] of Object.entries(record.labels)) {
      const key = labelKey(namespace, label, value);
      const known = byLabel.get(key);
      if (known) known.add(records);
      else byLabel.set(key, new Set([records]));
    }
  }
  return byLabel;
}

/** When the pod became an endpoint of the Service, by everything that either of them went through. */
function addPod(
  changes: Changes,
  service: string,
  states: readonly ServiceRecord[],
  records: readonly PodRecord[],
): void {
  const moments = [...states, ...records].sort((a, b) => a.atMs - b.atMs);
  let state: ServiceRecord | undefined;
  let record: PodRecord | undefined;
  let address: string | undefined;
  for (const moment of moments) {
    if ("service" in moment) state = moment;
    else record = moment;
    const now = state && record && isEndpoint(state, record) ? record.ip : undefined;
    if (now === address) continue;
    const { pod } = records[0] as PodRecord;
    if (address !== undefined) note(changes, `${service} ${pod} ${address}`, moment.atMs, false);
    if (now !== undefined) note(changes, `${service} ${pod} ${now}`, moment.atMs, true);
    address = now;
  }
}

const note = (changes: Changes, key: string, atMs: number, ready: boolean): void => {
  const known = changes.get(key);
  if (known) known.push({ atMs, ready });
  else changes.set(key, [{ atMs, ready }]);
};

// Upstream: endpointslice util.go podToEndpoint, ShouldPodBeInEndpoints.
function isEndpoint(service: ServiceRecord, pod: PodRecord): boolean {
  if (service.event === "DELETED" || !service.selector) return false;
  if (pod.event === "DELETED" || pod.phase === "Succeeded" || pod.phase === "Failed") return false;
  const selected = Object.entries(service.selector).every(([label, value]) => pod.labels[label] === value);
  return selected && (service.publishNotReadyAddresses === true || (pod.ready && !pod.terminating));
}

/** When some slice began, or all slices ceased, to hold it as ready. */
function readyEndpoints({ endpointSlices, pods }: History, services: ReadonlySet<string>): Changes {
  const isIPv6 = new Map(pods.flatMap(({ pod, ip }) => (ip ? [[pod, ip.includes(":")]] : [])));
  const readyIn = new Map<string, Set<string>>();
  const holders = new Map<string, number>();
  const changes: Changes = new Map();
  for (const { slice, service, event, endpoints, atMs } of endpointSlices) {
    if (!services.has(service)) continue;
    const before = readyIn.get(slice) ?? new Set<string>();
    const ready = event === "DELETED" ? [] : endpoints.filter((endpoint) => endpoint.ready);
    const now = new Set(
      // A pod's addresses of its other family are in slices of their own.
      ready.flatMap(({ pod, address }) =>
        pod !== undefined && isIPv6.get(pod) === address.includes(":")
          ? [`${service} ${pod} ${address}`]
          : [],
      ),
    );
    readyIn.set(slice, now);
    for (const key of new Set([...before, ...now])) {
      const held = holders.get(key) ?? 0;
      const holds = held + Number(now.has(key)) - Number(before.has(key));
      holders.set(key, holds);
      if (held > 0 !== holds > 0) note(changes, key, atMs, holds > 0);
    }
  }
  return changes;
}
