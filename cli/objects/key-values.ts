import type { CliCommand } from "../command.js";
import { type FlagSpecs, parseFlags } from "../flags.js";
import { UserError } from "../supervisor/cluster.js";
import { connectionFlags, openSession } from "./connection-flags.js";
import { dryRunFlag, dryRunNote, parseDryRun } from "./dry-run.js";
import { forEach } from "./each.js";
import { displayName, selectionFlags, selectObjects } from "./selected.js";

const flags = {
  ...connectionFlags,
  ...selectionFlags,
  overwrite: { kind: "bool", help: "Allow values to be overwritten." },
  "dry-run": dryRunFlag,
} as const satisfies FlagSpecs;

/** `label` and `annotate`: changes to one map of the metadata. */
export function keyValueCommand(map: "labels" | "annotations", changed: string, removed: string): CliCommand {
  return {
    async run(args, context) {
      const { flags: options, positionals } = parseFlags(args, flags);
      const isPair = (arg: string): boolean => arg.includes("=") || /[^/]-$/.test(arg);
      const pairs = positionals.filter(isPair);
      const dryRun = parseDryRun(options["dry-run"]);
      if (pairs.length === 0)
        throw new UserError(
          `at least one ${map === "labels" ? "label" : "annotation"} update is required`,
          2,
        );
      const changes = parseChanges(pairs);
      const session = await openSession(options, context);
      const selected = await selectObjects(
        session,
        positionals.filter((arg) => !isPair(arg)),
        options,
        context,
      );
      return forEach(selected, context, async (target) => {
        const { descriptor } = target.resource;
        const before = await session.client.get(descriptor, target);
        const present = before.metadata[map] ?? {};
        if (!options.overwrite) refuseOverwrite(changes, present, map);
        const body = { metadata: { [map]: changes } };
        const after =
          dryRun === "client"
            ? before
            : await session.client.patch(
                descriptor,
                target,
                { type: "merge", body },
                { dryRun: dryRun === "server" },
              );
        const unchanged =
          before.metadata.resourceVersion === after.metadata.resourceVersion && dryRun === "none";
        const verb = unchanged
          ? `not ${changed}`
          : Object.values(changes).every((v) => v === null)
            ? removed
            : changed;
        context.stdout.write(`${displayName(descriptor, target.name)} ${verb}${dryRunNote(dryRun)}\n`);
      });
    },
  };
}

function parseChanges(pairs: readonly string[]): Record<string, string | null> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const equals = pair.indexOf("=");
      return equals < 0 ? [pair.slice(0, -1), null] : [pair.slice(0, equals), pair.slice(equals + 1)];
    }),
  );
}

function refuseOverwrite(
  changes: Readonly<Record<string, string | null>>,
  present: Readonly<Record<string, string>>,
  map: "labels" | "annotations",
): void {
  for (const [key, value] of Object.entries(changes)) {
    if (value !== null && Object.hasOwn(present, key) && present[key] !== value) {
      throw new UserError(
        map === "labels"
          ? `'${key}' already has a value (${present[key]}), and --overwrite is false`
          : `--overwrite is false but found the following declared annotation(s): '${key}' already has a value (${present[key]})`,
      );
    }
  }
}
