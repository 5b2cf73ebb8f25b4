import { type Checker, secondsIn, verdictOf } from "../checker.js";
import type { History, PodRecord } from "../history.js";

/** From when to when a pod had an address, as the API told it. */
interface Tenancy {
  pod: string;
  uid: string;
  ip: string;
  fromMs: number;
  untilMs: number;
}

/**
 * Pods on the host's network share their node's. The grace is for what the API learns late: a kubelet gives an address back
 * before the pod's end is written down.
 */
export const uniquePodIPs: Checker = {
  name: "unique-pod-ips",
  summary: "no two live pods own one IP",
  parameters: {
    grace: {
      type: "duration",
      help: "how long a pod that is gone may still be written down with its address",
      default: "5s",
    },
  },
  check(history, _scenario, { grace }) {
    const tenancies = tenanciesOf(history);
    const violations: string[] = [];
    for (const others of byAddress(tenancies).values()) {
      others.sort((a, b) => a.fromMs - b.fromMs);
      let latest: Tenancy | undefined;
      for (const tenancy of others) {
        const overMs = latest ? Math.min(latest.untilMs, tenancy.untilMs) - tenancy.fromMs : 0;
        if (latest && overMs > Number(grace))
          violations.push(
            `${secondsIn(history, tenancy.fromMs)} ${tenancy.pod} got ${tenancy.ip}, which ${latest.pod} had too for ${Math.round(overMs)} ms`,
          );
        if (!latest || tenancy.untilMs > latest.untilMs) latest = tenancy;
      }
    }
    return verdictOf(
      violations,
      `${tenancies.length} addresses of pods, each of one pod at a time`,
      `${violations.length} of ${tenancies.length} addresses of pods belonged to two at once`,
    );
  },
};

function tenanciesOf({ pods, endedAtMs }: History): Tenancy[] {
  const open = new Map<string, Tenancy>();
  const found: Tenancy[] = [];
  for (const record of pods) {
    const { uid, pod, atMs } = record;
    const ip = livesAt(record);
    const before = open.get(uid);
    if (before?.ip === ip) continue;
    if (before) before.untilMs = atMs;
    open.delete(uid);
    if (ip === undefined) continue;
    const tenancy = { pod, uid, ip, fromMs: atMs, untilMs: endedAtMs };
    open.set(uid, tenancy);
    found.push(tenancy);
  }
  return found;
}

/** Undefined for a pod that has, or needs, no address of its own. */
const livesAt = ({ event, phase, ip, hostNetwork }: PodRecord): string | undefined =>
  event === "DELETED" || phase === "Succeeded" || phase === "Failed" || hostNetwork ? undefined : ip;

function byAddress(tenancies: readonly Tenancy[]): Map<string, Tenancy[]> {
  const found = new Map<string, Tenancy[]>();
  for (const tenancy of tenancies) {
    const others = found.get(tenancy.ip);
    if (others) others.push(tenancy);
    else found.set(tenancy.ip, [tenancy]);
  }
  return found;
}
