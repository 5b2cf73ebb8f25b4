import type { CliCommand } from "../command.js";
import { type FlagSpecs, parseFlags } from "../flags.js";
import { inNamespace } from "../objects/apply.js";
import { connectionFlags, openSession } from "../objects/connection-flags.js";
import { dryRunFlag, dryRunNote, parseDryRun } from "../objects/dry-run.js";
import { forEach } from "../objects/each.js";
import { type Generated, generators } from "../objects/generators.js";
import { displayName, readDocuments, resourceOf } from "../objects/selected.js";
import { objectPrinter } from "../printers/object-printer.js";
import { UserError } from "../supervisor/cluster.js";

const flags = {
  ...connectionFlags,
  filename: { kind: "list", short: "f", help: "The files or folders to create from." },
  recursive: { kind: "bool", short: "R", help: "Process the directory used in -f, --filename recursively." },
  "dry-run": dryRunFlag,
  output: { kind: "string", short: "o", help: "json, yaml, name, jsonpath=…" },
  image: { kind: "list", help: "For deployment: image name to run." },
  replicas: { kind: "int", help: "For deployment: number of replicas." },
  port: { kind: "int", help: "For deployment: the containerPort." },
  "from-literal": { kind: "list", help: "For configmap and secret: key=value." },
  "from-file": { kind: "list", help: "For configmap and secret: a file, or key=file." },
  tcp: { kind: "list", help: "For service: port pairs as port:targetPort." },
  "node-port": { kind: "int", help: "For service nodeport: the port on each node." },
  "external-name": { kind: "string", help: "For service externalname: the name." },
} as const satisfies FlagSpecs;

/** `kubesim create -f FILE`, and kubectl's generators: namespace, deployment, configmap, secret generic, service, serviceaccount. */
export const createCommand: CliCommand = {
  async run(args, context) {
    const { flags: options, positionals, afterDash } = parseFlags(args, flags);
    const dryRun = parseDryRun(options["dry-run"]);
    const documents: Generated[] =
      options.filename.length > 0
        ? await readDocuments(options, context)
        : generate(positionals, { ...options, command: afterDash ?? [] });
    if (documents.length === 0) throw new UserError("no objects passed to create", 1);
    const printer = objectPrinter(options.output);
    const session = await openSession(options, context);
    return forEach(documents, context, async (document) => {
      const { descriptor } = resourceOf(session, document);
      const object = inNamespace(document.object, descriptor, session.namespace);
      const created =
        dryRun === "client"
          ? object
          : await session.client.create(descriptor, object, {
              dryRun: dryRun === "server",
              fieldManager: "kubectl-create",
              fieldValidation: "Strict",
            });
      const name = displayName(descriptor, created.metadata.name);
      if (printer) context.stdout.write(printer.print(created, [{ object: created, name }]));
      else context.stdout.write(`${name} created${dryRunNote(dryRun)}\n`);
    });
  },
};

function generate(
  args: readonly string[],
  options: Parameters<(typeof generators)[number]["generate"]>[1],
): Generated[] {
  const words = args.filter((arg) => arg !== undefined);
  const generator = generators.find(({ words: names }) =>
    names.some((path) => path.every((word, i) => words[i] === word)),
  );
  if (!generator) {
    throw new UserError(
      words.length === 0
        ? "must specify one of -f and -k"
        : `unknown command "${words[0] ?? ""}" for "kubesim create"`,
      2,
    );
  }
  const depth = generator.words[0]?.length ?? 1;
  const [name, ...rest] = words.slice(depth);
  if (!name || rest.length > 0)
    throw new UserError(`exactly one NAME is required, got ${words.length - depth}`, 2);
  return [{ object: generator.generate(name, options), source: "command line" }];
}
