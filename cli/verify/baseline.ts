import { CannotRun } from "../../chaos/cannot-run.js";
import type { Subject } from "../../chaos/verify/subject.js";
import { type Upheaval, upheavals } from "../../chaos/verify/upheavals.js";
import type { Pod } from "../../machinery/api/core-v1.js";
import { StatusError } from "../../machinery/api/status.js";
import { type SeedRun, runSeed } from "../../simulation/run-seed.js";
import { withFiles } from "../simulate/manifest-files.js";
import { scenarioFor, type VerifySettings } from "./plan.js";

const CALM_SECONDS = 4;
/** `/registry/pods/namespace/name` */
const PODS = /\/pods\/([^/]+\/[^/]+)$/;

/**
 * One run in which nothing happens: what does not hold then has nothing to do with upheavals. Rejects with CannotRun when the
 * manifests are refused, pods do not get ready, or nobody answers.
 */
export async function tryCalmRun(subject: Subject, settings: VerifySettings): Promise<void> {
  const [first] = upheavals;
  if (!first) return;
  const calm: Upheaval = { ...first, name: "calm", steps: () => [], seconds: () => CALM_SECONDS };
  const scenario = scenarioFor(
    subject,
    { upheaval: calm, seed: settings.firstSeed },
    { ...settings, durationMs: undefined },
  );
  const { files } = withFiles({ ...scenario, manifests: [] });
  const pods = new Map<string, Pod>();
  const run = await runSeed({
    scenario,
    files,
    onCluster: (cluster) =>
      cluster.world.disk.follow(({ item, deleted }) => {
        const name = PODS.exec(item.key)?.[1];
        if (name === undefined) return;
        if (deleted) pods.delete(name);
        else pods.set(name, JSON.parse(Buffer.from(item.value).toString("utf8")) as Pod);
      }),
  }).catch(refused);
  judge(run, subject, [...pods.values()]);
}

/** What the API server says to the manifests is the user's to read. */
function refused(err: unknown): never {
  if (err instanceof StatusError) throw new CannotRun(err.message);
  throw err;
}

function judge({ report, error }: SeedRun, subject: Subject, pods: readonly Pod[]): void {
  if (!report)
    throw new CannotRun([error ?? "the run could not be judged", ...complaintsOf(pods)].join("\n  "));
  const { operations } = report.history;
  const lost = operations.filter(({ outcome }) => outcome !== "ok");
  const [first] = lost;
  if (!first) return;
  const how = first.error ?? `status ${first.status}`;
  const asked = `${lost.length} of ${operations.length} requests to Deployment "${subject.name}" failed while nothing happened (${first.client}: ${how})`;
  throw new CannotRun(
    lost.length === operations.length ? `${asked}: does it speak HTTP on the Service's first port?` : asked,
  );
}

/** Why pods are not ready, as their status says. */
function complaintsOf(pods: readonly Pod[]): string[] {
  const complaints = pods.flatMap(({ metadata, status }) => {
    const waiting = (status.containerStatuses ?? []).flatMap(({ name, state, lastState, ready }) => {
      const { reason, message } = state?.waiting ?? {};
      if (reason) return [`${name} waits: ${reason}${message ? `, ${message}` : ""}`];
      const exit = lastState?.terminated?.exitCode ?? state?.terminated?.exitCode;
      if (exit !== undefined) return [`${name} ended with exit code ${exit}`];
      return ready ? [] : [`${name} runs and is not ready`];
    });
    const unscheduled = (status.conditions ?? []).filter(
      ({ type, status: is }) => type === "PodScheduled" && is === "False",
    );
    return [...waiting, ...unscheduled.map(({ message = "" }) => message)].map(
      (text) => `pod ${metadata.name}: ${text}`,
    );
  });
  return [...new Set(complaints)].slice(0, 3);
}
