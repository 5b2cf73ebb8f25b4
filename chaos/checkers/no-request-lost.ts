import { type Checker, secondsIn, verdictOf } from "../checker.js";
import type { History } from "../history.js";
import { isUnavoidable, type Loss, type LossKind, lossesOf } from "../verify/loss.js";
import { portsWitness } from "../witnesses/ports.js";

/** How violations begin: what is found again under the same name is the same. */
export const LOSS_NAMES: Readonly<Record<LossKind, string>> = {
  "no-endpoints": "the Service had no endpoints",
  "closed-port": "sent to a pod that no longer listened",
  "not-listening": "sent to a pod that did not listen yet",
  "cut-short": "cut off by an application that ended",
  killed: "cut off at the end of the grace period",
  "node-crash": "lost with its node",
  "no-answer": "not answered",
  "error-status": "answered with an error",
  unexplained: "lost for no reason that the logs have",
};

/** No request is lost, however the cluster changes. What a crashed node takes with it is counted, and no violation. */
export const noRequestLost: Checker = {
  name: "no-request-lost",
  summary: "no request is lost, but for those that a crashed node takes with it",
  parameters: {
    strict: { type: "flag", help: "what a crashed node takes with it counts as well", default: false },
  },
  witnesses: [portsWitness],
  check(history, scenario, { strict }) {
    const losses = lossesOf(history, scenario);
    const counted = losses.filter((loss) => strict === true || !isUnavoidable(loss));
    const told = [...firstOfEach(counted).values()].map((loss) => tell(loss, history));
    const total = history.operations.length;
    if (total === 0) return verdictOf(["no request was made"], "", "there was no traffic to judge");
    const aside = losses.length - counted.length;
    const unavoidable = aside > 0 ? `; ${aside} went with a crashed node` : "";
    return verdictOf(
      told,
      `none of ${total} requests was lost${unavoidable}`,
      `${counted.length} of ${total} requests were lost${unavoidable}`,
    );
  },
};

function firstOfEach(losses: readonly Loss[]): Map<LossKind, Loss> {
  const first = new Map<LossKind, Loss>();
  for (const loss of losses) if (!first.has(loss.kind)) first.set(loss.kind, loss);
  return first;
}

function tell({ kind, operation, flow }: Loss, history: History): string {
  const to = flow?.backend ? ` (${flow.backend})` : "";
  const how = operation.error ?? `status ${operation.status}`;
  return `${LOSS_NAMES[kind]}: ${operation.client} at ${secondsIn(history, operation.atMs)}${to}: ${how}`;
}
