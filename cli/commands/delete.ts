import type { DeleteOptions, KubeObject } from "../../machinery/api/meta-v1.js";
import { isNotFound, isStatus } from "../../machinery/api/status.js";
import type { CliCommand, CliContext } from "../command.js";
import { type FlagSpecs, parseFlags } from "../flags.js";
import { connectionFlags, openSession, type Session } from "../objects/connection-flags.js";
import { forEach } from "../objects/each.js";
import { waitUntilGone } from "../objects/wait-for.js";
import { type Selected, selectionFlags, selectObjects } from "../objects/selected.js";
import { UserError } from "../supervisor/cluster.js";

const flags = {
  ...connectionFlags,
  ...selectionFlags,
  "grace-period": {
    kind: "int",
    help: "Seconds given to the resource to terminate gracefully.",
    default: -1,
  },
  force: { kind: "bool", help: "Immediately remove resources from API and bypass graceful deletion." },
  now: { kind: "bool", help: "Signal for immediate shutdown (same as --grace-period=1)." },
  cascade: {
    kind: "optional",
    bare: "background",
    default: "background",
    help: "background, orphan, or foreground.",
  },
  wait: { kind: "bool", default: true, help: "Wait for resources to be gone before returning." },
  "ignore-not-found": { kind: "bool", help: "Treat a missing object as a successful delete." },
  timeout: { kind: "string", help: "How long to wait, e.g. 30s." },
} as const satisfies FlagSpecs;

const POLICIES: Readonly<Record<string, NonNullable<DeleteOptions["propagationPolicy"]>>> = {
  background: "Background",
  true: "Background",
  orphan: "Orphan",
  false: "Orphan",
  foreground: "Foreground",
};

/** `kubesim delete (-f FILE | TYPE NAME… | TYPE -l SELECTOR | TYPE --all)`. */
export const deleteCommand: CliCommand = {
  async run(args, context) {
    const { flags: options, positionals } = parseFlags(args, flags);
    if (positionals.length === 0 && options.filename.length === 0) {
      throw new UserError("You must provide one or more resources by argument or filename.", 2);
    }
    const propagationPolicy = POLICIES[options.cascade ?? "background"];
    if (!propagationPolicy) {
      throw new UserError(
        `invalid cascade value (${options.cascade}). Must be "background", "foreground", or "orphan"`,
      );
    }
    const seconds = graceSeconds(options);
    if (options.force) {
      context.stderr.write(
        "Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.\n",
      );
    }
    const session = await openSession(options, context);
    const selected = await selectObjects(session, positionals, options, context);
    if (selected.length === 0) context.stdout.write("No resources found\n");
    const deleted: { target: Selected; uid: string | undefined }[] = [];
    const code = await forEach(selected, context, async (target) => {
      const result = await deleteOne(
        session,
        target,
        { propagationPolicy, ...(seconds === undefined ? {} : { gracePeriodSeconds: seconds }) },
        options["ignore-not-found"],
      );
      if (!result) return;
      deleted.push({ target, uid: result.uid });
      const { group, singular } = target.resource.descriptor;
      const inNamespace =
        options["all-namespaces"] || target.namespace === undefined
          ? ""
          : ` from ${target.namespace} namespace`;
      const forced = options.force ? "force deleted" : "deleted";
      context.stdout.write(
        `${singular}${group ? `.${group}` : ""} "${target.name}" ${forced}${inNamespace}\n`,
      );
    });
    if (options.wait && !options.force) await waitForAll(session, deleted, options.timeout, context);
    return code;
  },
};

function graceSeconds(options: {
  now: boolean;
  force: boolean;
  "grace-period": number | undefined;
}): number | undefined {
  const asked = options["grace-period"] ?? -1;
  if (options.now) return 1;
  if (options.force && asked < 0) return 0;
  if (asked === 0 && !options.force) return 1;
  return asked < 0 ? undefined : asked;
}

async function deleteOne(
  session: Session,
  target: Selected,
  options: DeleteOptions,
  ignoreNotFound: boolean,
): Promise<{ uid: string | undefined } | undefined> {
  try {
    const answer = await session.client.delete(target.resource.descriptor, target, options);
    return { uid: isStatus(answer) ? answer.details?.uid : (answer as KubeObject).metadata.uid };
  } catch (err) {
    if (ignoreNotFound && isNotFound(err)) return undefined;
    throw err;
  }
}

async function waitForAll(
  session: Session,
  deleted: readonly { target: Selected; uid: string | undefined }[],
  timeout: string | undefined,
  context: CliContext,
): Promise<void> {
  for (const { target, uid } of deleted) await waitUntilGone(session, target, uid, timeout, context);
}
