import { type Checker, verdictOf } from "../checker.js";
import { replicasWitness } from "../witnesses/replicas.js";

/** Beside what `recovery` asks of every run: the pods are counted, whatever a status says of them. */
export const controllersConverge: Checker = {
  name: "controllers-converge",
  summary: "once faults have ended, pods, endpoints and tables are again what their owners ask for, in time",
  parameters: {
    within: { type: "duration", help: "from the end of the traffic and of the last fault", default: "30s" },
  },
  witnesses: [replicasWitness],
  check({ recovery, evidence, startedAtMs }, { durationMs }, { within }) {
    if (!recovery || !evidence?.settled) return verdictOf(["nobody looked"], "", "nobody looked");
    const endedMs = Math.max(startedAtMs + durationMs, recovery.lastHealedAtMs);
    const tookMs = Math.max(0, Math.round(evidence.settled.atMs - endedMs));
    const violations = [
      ...evidence.settled.missing,
      ...(recovery.missing ?? []),
      ...(recovery.tablesAgree ? [] : ["the tables of the nodes still differ"]),
      ...(tookMs > Number(within) ? [`it took ${tookMs} ms, not ${String(within)}`] : []),
    ];
    return verdictOf(
      violations,
      `converged within ${tookMs} ms of the last fault`,
      `not converged ${tookMs} ms after the last fault`,
    );
  },
};
