import type { KubeObject } from "../../machinery/api/meta-v1.js";
import type { CliCommand } from "../command.js";
import { type FlagSpecs, parseFlags } from "../flags.js";
import { connectionFlags, openSession } from "../objects/connection-flags.js";
import { displayName, selectionFlags, selectObjects } from "../objects/selected.js";
import { timeoutMs, watchUntil } from "../objects/wait-for.js";
import { findByPath } from "../printers/json-path.js";
import { UserError } from "../supervisor/cluster.js";

const flags = {
  ...connectionFlags,
  ...selectionFlags,
  for: { kind: "list", help: "delete, create, condition=NAME[=VALUE], jsonpath='{…}'[=VALUE]." },
  timeout: { kind: "string", default: "30s", help: "How long to wait before giving up." },
} as const satisfies FlagSpecs;

interface Goal {
  reached: (object: KubeObject | undefined) => boolean;
  message: string;
}

/** `kubesim wait --for=condition=Ready pod/web`. */
export const waitCommand: CliCommand = {
  async run(args, context) {
    const { flags: options, positionals } = parseFlags(args, flags);
    const goals = options.for.map(parseGoal);
    if (goals.length === 0) throw new UserError("you must specify --for", 2);
    const limitMs = timeoutMs(options.timeout, 30_000);
    const session = await openSession(options, context);
    const selected = await selectObjects(session, positionals, options, context);
    if (selected.length === 0) throw new UserError("no matching resources found");
    const deadlineMs = context.clock.monotonicMs() + limitMs;
    let failed = false;
    for (const target of selected) {
      for (const goal of goals) {
        try {
          await watchUntil(
            session,
            target,
            goal.reached,
            Math.max(0, deadlineMs - context.clock.monotonicMs()),
            context,
          );
          context.stdout.write(`${displayName(target.resource.descriptor, target.name)} ${goal.message}\n`);
        } catch (err) {
          if (!(err instanceof UserError)) throw err;
          failed = true;
          context.stderr.write(`error: ${err.message}\n`);
        }
      }
    }
    return failed ? 1 : 0;
  },
};

function parseGoal(text: string): Goal {
  const lower = text.toLowerCase();
  if (lower === "delete") return { reached: (object) => object === undefined, message: "condition met" };
  if (lower === "create") return { reached: (object) => object !== undefined, message: "condition met" };
  if (lower.startsWith("condition=")) {
    const [name = "", value = "true"] = text.slice("condition=".length).split("=");
    return { reached: (object) => hasCondition(object, name, value), message: "condition met" };
  }
  if (lower.startsWith("jsonpath=")) {
    const match = /^(.*\}|[^=]+)(?:=(.*))?$/s.exec(text.slice("jsonpath=".length));
    const path = match?.[1] ?? "";
    const wanted = match?.[2];
    return {
      reached: (object) => {
        const found = object ? findByPath(path, object) : [];
        return wanted === undefined
          ? found.length > 0
          : found.some((value) => String(value as string) === wanted);
      },
      message: "condition met",
    };
  }
  throw new UserError(`unrecognized condition: "${text}"`);
}

function hasCondition(object: KubeObject | undefined, name: string, value: string): boolean {
  const { conditions = [], observedGeneration } =
    (
      object as
        | { status?: { conditions?: { type: string; status: string }[]; observedGeneration?: number } }
        | undefined
    )?.status ?? {};
  // A condition of an older generation says nothing about the object as it is now.
  if (observedGeneration !== undefined && observedGeneration < (object?.metadata.generation ?? 0))
    return false;
  return conditions.some(
    (condition) =>
      condition.type.toLowerCase() === name.toLowerCase() &&
      condition.status.toLowerCase() === value.toLowerCase(),
  );
}
