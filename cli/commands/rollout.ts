import { type Deployment, deployments, type ReplicaSet, replicaSets } from "../../machinery/api/apps-v1.js";
import { toTime } from "../../machinery/api/clock.js";
import { deepEqual } from "../../machinery/api/deep-equal.js";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import type { CliCommand, CliContext } from "../command.js";
import { type FlagSpecs, parseFlags } from "../flags.js";
import { connectionFlags, openSession, type Session } from "../objects/connection-flags.js";
import { displayName, type Selected, selectionFlags, selectObjects } from "../objects/selected.js";
import { timeoutMs, watchUntil } from "../objects/wait-for.js";
import { padColumns } from "../printers/columns.js";
import { UserError } from "../supervisor/cluster.js";

const flags = {
  ...connectionFlags,
  ...selectionFlags,
  watch: { kind: "bool", short: "w", default: true, help: "For status: watch until it is done." },
  timeout: { kind: "string", help: "For status: how long to wait." },
  revision: { kind: "int", help: "For history: show it in detail. For undo: what to go back to." },
  "to-revision": { kind: "int", help: "For undo: the revision to roll back to (default the last)." },
} as const satisfies FlagSpecs;

type RolloutFlags = ReturnType<typeof parseFlags<typeof flags>>["flags"];
type Action = (
  session: Session,
  target: Selected,
  options: RolloutFlags,
  context: CliContext,
) => Promise<void>;

const REVISION = "deployment.kubernetes.io/revision";
const POD_TEMPLATE_HASH = "pod-template-hash";
const CHANGE_CAUSE = "kubernetes.io/change-cause";
const FOREVER_MS = 7 * 24 * 3600 * 1000;

const actions: Readonly<Record<string, Action>> = {
  status: rolloutStatus,
  history: rolloutHistory,
  undo: rolloutUndo,
  restart: rolloutRestart,
  pause: (session, target, _, context) => setPaused(session, target, true, context),
  resume: (session, target, _, context) => setPaused(session, target, false, context),
};

/** `kubesim rollout status|history|undo|restart|pause|resume deployment/web`. */
export const rolloutCommand: CliCommand = {
  async run(args, context) {
    const { flags: options, positionals } = parseFlags(args, flags);
    const [verb = "", ...rest] = positionals;
    const action = Object.hasOwn(actions, verb) ? actions[verb] : undefined;
    if (!action) throw new UserError(`unknown command "${verb}" for "kubesim rollout"`, 2);
    const session = await openSession(options, context);
    for (const target of await selectObjects(session, rest, options, context)) {
      if (target.resource.descriptor.kind !== "Deployment") {
        throw new UserError(
          `no rollout ${verb} has been implemented for "${target.resource.descriptor.kind}"`,
        );
      }
      await action(session, target, options, context);
    }
    return 0;
  },
};

async function rolloutStatus(
  session: Session,
  target: Selected,
  options: RolloutFlags,
  context: CliContext,
): Promise<void> {
  let last = "";
  const tell = (object: KubeObject | undefined): boolean => {
    if (!object) throw new UserError(`object has been deleted`);
    const { message, done } = statusOf(object as Deployment);
    if (message !== last) context.stdout.write(`${message}\n`);
    last = message;
    return done || !options.watch;
  };
  await watchUntil(session, target, tell, timeoutMs(options.timeout, FOREVER_MS), context);
}

/** Upstream: kubectl pkg/polymorphichelpers/rollout_status.go. Throws UserError when the deadline is exceeded. */
export function statusOf({ metadata, spec, status }: Deployment): { message: string; done: boolean } {
  const wait = (what: string): { message: string; done: boolean } => ({
    message: `Waiting for deployment "${metadata.name}" rollout to finish: ${what}...`,
    done: false,
  });
  if ((metadata.generation ?? 0) > (status.observedGeneration ?? 0)) {
    return { message: "Waiting for deployment spec update to be observed...", done: false };
  }
  if (status.conditions?.some((c) => c.type === "Progressing" && c.reason === "ProgressDeadlineExceeded")) {
    throw new UserError(`deployment "${metadata.name}" exceeded its progress deadline`);
  }
  const updated = status.updatedReplicas ?? 0;
  const available = status.availableReplicas ?? 0;
  const total = status.replicas ?? 0;
  if (updated < spec.replicas)
    return wait(`${updated} out of ${spec.replicas} new replicas have been updated`);
  if (total > updated) return wait(`${total - updated} old replicas are pending termination`);
  if (available < updated) return wait(`${available} of ${updated} updated replicas are available`);
  return { message: `deployment "${metadata.name}" successfully rolled out`, done: true };
}

async function revisionsOf(session: Session, target: Selected): Promise<Map<number, ReplicaSet>> {
  const deployment = await session.client.get(deployments, target);
  const { items } = await session.client.list(replicaSets, { namespace: target.namespace });
  const owned = items.filter((set) =>
    set.metadata.ownerReferences?.some((owner) => owner.controller && owner.uid === deployment.metadata.uid),
  );
  const numbered = owned.map((set): [number, ReplicaSet] => [
    Number(set.metadata.annotations?.[REVISION] ?? 0),
    set,
  ]);
  return new Map(numbered.sort(([a], [b]) => a - b));
}

async function rolloutHistory(
  session: Session,
  target: Selected,
  options: RolloutFlags,
  context: CliContext,
): Promise<void> {
  const revisions = await revisionsOf(session, target);
  const title = displayName(target.resource.descriptor, target.name);
  if (options.revision !== undefined) {
    const set = revisions.get(options.revision);
    if (!set) throw new UserError(`unable to find the specified revision`);
    context.stdout.write(`${title} with revision #${options.revision}\n${describeTemplate(set)}`);
    return;
  }
  const rows = [...revisions].map(([revision, set]) => [
    String(revision),
    set.metadata.annotations?.[CHANGE_CAUSE] ?? "<none>",
  ]);
  context.stdout.write(`${title} \n${padColumns([["REVISION", "CHANGE-CAUSE"], ...rows], 2)}\n`);
}

function describeTemplate({ spec }: ReplicaSet): string {
  const labels = Object.entries(spec.template.metadata.labels ?? {}).map(
    ([key, value]) => `\t${key}=${value}\n`,
  );
  const containers = spec.template.spec.containers.map((c) => `   ${c.name}:\n    Image:\t${c.image}\n`);
  return `Pod Template:\n  Labels:${labels.join("")}  Containers:\n${containers.join("")}\n`;
}

async function rolloutUndo(
  session: Session,
  target: Selected,
  options: RolloutFlags,
  context: CliContext,
): Promise<void> {
  const revisions = await revisionsOf(session, target);
  const wanted = options["to-revision"] ?? [...revisions.keys()].at(-2);
  const set = wanted === undefined ? undefined : revisions.get(wanted);
  if (!set) {
    throw new UserError(
      options["to-revision"]
        ? `unable to find specified revision ${wanted} in history`
        : `no rollout history found for deployment "${target.name}"`,
    );
  }
  const template = withoutHash(set);
  const name = displayName(target.resource.descriptor, target.name);
  const current = await session.client.get(deployments, target);
  if (current.spec.paused) {
    throw new UserError(
      `you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again`,
    );
  }
  if (deepEqual(current.spec.template, template)) {
    context.stdout.write(`${name} skipped rollback (current template already matches revision ${wanted})\n`);
    return;
  }
  await session.client.patch(deployments, target, {
    type: "json",
    body: [{ op: "replace", path: "/spec/template", value: template }],
  });
  context.stdout.write(`${name} rolled back\n`);
}

function withoutHash({ spec }: ReplicaSet): ReplicaSet["spec"]["template"] {
  const { [POD_TEMPLATE_HASH]: _, ...labels } = spec.template.metadata.labels ?? {};
  return { ...spec.template, metadata: { ...spec.template.metadata, labels } };
}

async function rolloutRestart(
  session: Session,
  target: Selected,
  _: RolloutFlags,
  context: CliContext,
): Promise<void> {
  const annotations = { "kubectl.kubernetes.io/restartedAt": toTime(context.clock.nowMs()) };
  await session.client.patch(deployments, target, {
    type: "strategic",
    body: { spec: { template: { metadata: { annotations } } } },
  });
  context.stdout.write(`${displayName(target.resource.descriptor, target.name)} restarted\n`);
}

async function setPaused(
  session: Session,
  target: Selected,
  paused: boolean,
  context: CliContext,
): Promise<void> {
  await session.client.patch(deployments, target, { type: "merge", body: { spec: { paused } } });
  const name = displayName(target.resource.descriptor, target.name);
  context.stdout.write(`${name} ${paused ? "paused" : "resumed"}\n`);
}
