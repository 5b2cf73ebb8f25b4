import { load } from "js-yaml";
import { readFileSync } from "node:fs";
import type { CliCommand } from "../command.js";
import { type FlagSpecs, parseFlags } from "../flags.js";
import { connectionFlags, openSession } from "../objects/connection-flags.js";
import { dryRunFlag, dryRunNote, parseDryRun } from "../objects/dry-run.js";
import { forEach } from "../objects/each.js";
import { displayName, selectionFlags, selectObjects } from "../objects/selected.js";
import { objectPrinter } from "../printers/object-printer.js";
import { UserError } from "../supervisor/cluster.js";

const flags = {
  ...connectionFlags,
  ...selectionFlags,
  patch: { kind: "string", short: "p", help: "The patch to be applied, JSON or YAML." },
  "patch-file": { kind: "string", help: "A file with the patch." },
  type: { kind: "string", default: "strategic", help: "One of [json merge strategic]." },
  subresource: { kind: "string", help: "One of [status scale]." },
  output: { kind: "string", short: "o", help: "json, yaml, name, jsonpath=…" },
  "dry-run": dryRunFlag,
} as const satisfies FlagSpecs;

/** `kubesim patch TYPE NAME -p PATCH --type=json|merge|strategic`. */
export const patchCommand: CliCommand = {
  async run(args, context) {
    const { flags: options, positionals } = parseFlags(args, flags);
    const type = options.type;
    if (type !== "json" && type !== "merge" && type !== "strategic") {
      throw new UserError(`--type must be one of [json merge strategic], not "${type}"`);
    }
    const text = options["patch-file"] ? readPatchFile(options["patch-file"]) : options.patch;
    if (text === undefined)
      throw new UserError("must specify --patch or --patch-file containing the contents of the patch");
    const body = parsePatch(text);
    const dryRun = parseDryRun(options["dry-run"]);
    const printer = objectPrinter(options.output);
    const session = await openSession(options, context);
    const selected = await selectObjects(session, positionals, options, context);
    return forEach(selected, context, async (target) => {
      const { descriptor } = target.resource;
      const before = await session.client.get(descriptor, target);
      const after = await session.client.patch(
        descriptor,
        target,
        { type, body },
        {
          fieldManager: "kubectl-patch",
          dryRun: dryRun !== "none",
          ...(options.subresource ? { subresource: options.subresource } : {}),
        },
      );
      const name = displayName(descriptor, target.name);
      if (printer) context.stdout.write(printer.print(after, [{ object: after, name }]));
      else {
        const same = before.metadata.resourceVersion === after.metadata.resourceVersion && dryRun === "none";
        context.stdout.write(`${name} patched${same ? " (no change)" : ""}${dryRunNote(dryRun)}\n`);
      }
    });
  },
};

function readPatchFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    throw new UserError(`unable to read patch file: open ${path}: no such file or directory`);
  }
}

function parsePatch(text: string): unknown {
  try {
    return load(text);
  } catch (err) {
    throw new UserError(`unable to parse ${JSON.stringify(text)}: ${(err as Error).message}`);
  }
}
