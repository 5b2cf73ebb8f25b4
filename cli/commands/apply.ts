import { newInvalid } from "../../machinery/api/field-error.js";
import { StatusError } from "../../machinery/api/status.js";
import type { CliCommand, CliContext } from "../command.js";
import { type FlagSpecs, parseFlags } from "../flags.js";
import { applyObject } from "../objects/apply.js";
import { connectionFlags, openSession, type Session } from "../objects/connection-flags.js";
import { dryRunFlag, dryRunNote, parseDryRun } from "../objects/dry-run.js";
import { forEach } from "../objects/each.js";
import { readDocuments, resourceOf } from "../objects/selected.js";
import { objectPrinter } from "../printers/object-printer.js";
import { UserError } from "../supervisor/cluster.js";

const flags = {
  ...connectionFlags,
  filename: {
    kind: "list",
    short: "f",
    help: "The files or folders that contain the configurations to apply.",
  },
  recursive: { kind: "bool", short: "R", help: "Process the directory used in -f, --filename recursively." },
  "dry-run": dryRunFlag,
  output: { kind: "string", short: "o", help: "json, yaml, name, jsonpath=…" },
  validate: {
    kind: "optional",
    bare: "strict",
    default: "strict",
    help: "strict, warn or ignore unknown fields.",
  },
  watch: { kind: "bool", help: "Keep the folder applied: apply again whenever a file changes." },
} as const satisfies FlagSpecs;

interface ApplyFlags {
  filename: readonly string[];
  recursive: boolean;
  "dry-run": string | undefined;
  output: string | undefined;
  validate: string | undefined;
  /** A folder that is watched may be empty for now. */
  watch: boolean;
}

const VALIDATION: Readonly<Record<string, "Strict" | "Warn" | "Ignore">> = {
  strict: "Strict",
  true: "Strict",
  warn: "Warn",
  ignore: "Ignore",
  false: "Ignore",
};

/** `kubesim apply -f FILE|DIR|- [--watch]`. */
export const applyCommand: CliCommand = {
  async run(args, context) {
    const { flags: options } = parseFlags(args, flags);
    if (options.filename.length === 0) throw new UserError("must specify one of -f and -k", 2);
    const session = await openSession(options, context);
    if (options.watch) {
      const { watchFolders } = await import("../objects/watch-folders.js");
      return watchFolders(options.filename, options.recursive, context, (files) =>
        applyOnce(session, { ...options, filename: files }, context),
      );
    }
    return applyOnce(session, options, context);
  },
};

async function applyOnce(session: Session, options: ApplyFlags, context: CliContext): Promise<number> {
  const dryRun = parseDryRun(options["dry-run"]);
  const fieldValidation = VALIDATION[options.validate ?? "strict"];
  if (!fieldValidation) {
    throw new UserError(`invalid - validate option "${options.validate ?? ""}"`);
  }
  const printer = objectPrinter(options.output);
  const documents = await readDocuments(options, context);
  if (documents.length === 0 && !options.watch) throw new UserError("no objects passed to apply", 1);
  return forEach(documents, context, async (document) => {
    const { descriptor } = resourceOf(session, document);
    if (!document.object.metadata?.name) throw nameRequired(document.object.kind);
    const result = await applyObject(
      { client: session.client, namespace: session.namespace, dryRun: dryRun !== "none", fieldValidation },
      descriptor,
      document.object,
    );
    if (printer) context.stdout.write(printer.print(result.object, [result]));
    else context.stdout.write(`${result.name} ${result.outcome}${dryRunNote(dryRun)}\n`);
  });
}

const nameRequired = (kind: string): StatusError =>
  newInvalid({ group: "", kind }, "", [
    {
      type: "FieldValueRequired",
      field: "metadata.name",
      body: "Required value: name or generateName is required",
    },
  ]);
