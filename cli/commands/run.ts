import { type Pod, pods } from "../../machinery/api/core-v1.js";
import type { KubeObject, Manifest } from "../../machinery/api/meta-v1.js";
import { resourcePath } from "../../machinery/api/resource.js";
import { isNotFound, StatusError } from "../../machinery/api/status.js";
import type { CliCommand, CliContext } from "../command.js";
import { type FlagSpecs, parseFlags } from "../flags.js";
import { connectionFlags, openSession, type Session } from "../objects/connection-flags.js";
import { dryRunFlag, dryRunNote, parseDryRun } from "../objects/dry-run.js";
import { runRemoteCommand } from "../objects/remote-command.js";
import type { Selected } from "../objects/selected.js";
import { watchUntil } from "../objects/wait-for.js";
import { objectPrinter } from "../printers/object-printer.js";
import { UserError } from "../supervisor/cluster.js";

const flags = {
  ...connectionFlags,
  image: { kind: "string", help: "The image for the container to run." },
  restart: { kind: "string", default: "Always", help: "Always, OnFailure or Never." },
  stdin: { kind: "bool", short: "i", help: "Keep stdin open on the container in the pod." },
  tty: { kind: "bool", short: "t", help: "Allocate a TTY for the container in the pod." },
  attach: { kind: "bool", help: "Wait for the pod to start running, and then attach to it." },
  rm: { kind: "bool", help: "Delete the pod after it exits." },
  quiet: { kind: "bool", short: "q", help: "Suppress prompt messages." },
  env: { kind: "list", help: "Environment variables to set in the container: key=value." },
  labels: { kind: "string", short: "l", help: "Labels to apply to the pod: key=value,…" },
  port: { kind: "int", help: "The port that this container exposes." },
  command: { kind: "bool", help: "Use the arguments as the command, not as its args." },
  "dry-run": dryRunFlag,
  output: { kind: "string", short: "o", help: "json, yaml, name, jsonpath=…" },
  "pod-running-timeout": { kind: "string", default: "1m0s", help: "How long to wait until the pod runs." },
} as const satisfies FlagSpecs;

type RunFlags = ReturnType<typeof parseFlags<typeof flags>>["flags"];
const RUNNING_TIMEOUT_MS = 60_000;

/** `kubesim run NAME --image=IMAGE [-i] [-t] [--rm] [-- ARGS]`. */
export const runCommand: CliCommand = {
  async run(args, context) {
    const { flags: options, positionals, afterDash = [] } = parseFlags(args, flags);
    const [name, ...more] = positionals;
    if (!name) throw new UserError("NAME is required for run", 2);
    if (!options.image) throw new UserError("--image is required", 2);
    const attach = options.attach || options.stdin;
    if (options.rm && !attach) throw new UserError("--rm should only be used for attached containers");
    if (options.tty && !options.stdin)
      throw new UserError("-i/--stdin is required for containers with -t/--tty=true");
    const dryRun = parseDryRun(options["dry-run"]);
    const session = await openSession(options, context);
    const manifest = podManifest(name, options, [...more, ...afterDash], session.namespace);
    const pod =
      dryRun === "client"
        ? (manifest as unknown as Pod)
        : await session.client.create(pods, manifest, {
            dryRun: dryRun === "server",
            fieldManager: "kubectl-run",
          });
    if (attach && dryRun === "none") return attachToPod(session, pod, options, context);
    const printer = objectPrinter(options.output);
    if (printer) context.stdout.write(printer.print(pod, [{ object: pod, name: `pod/${name}` }]));
    else context.stdout.write(`pod/${name} created${dryRunNote(dryRun)}\n`);
    return 0;
  },
};

function podManifest(
  name: string,
  options: RunFlags,
  words: readonly string[],
  namespace: string,
): Manifest<Pod> {
  const restart = options.restart ?? "Always";
  if (restart !== "Always" && restart !== "OnFailure" && restart !== "Never") {
    throw new UserError(`invalid restart policy: ${restart}`);
  }
  const labels = options.labels
    ? Object.fromEntries(options.labels.split(",").map((pair) => pair.split("=", 2) as [string, string]))
    : { run: name };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, labels },
    spec: {
      restartPolicy: restart,
      containers: [
        {
          name,
          image: options.image ?? "",
          ...(words.length > 0 ? (options.command ? { command: [...words] } : { args: [...words] }) : {}),
          ...(options.env.length > 0 ? { env: options.env.map(envVar) } : {}),
          ...(options.port === undefined ? {} : { ports: [{ containerPort: options.port }] }),
          ...(options.stdin ? { stdin: true, stdinOnce: true } : {}),
          ...(options.tty ? { tty: true } : {}),
        },
      ],
    },
  };
}

function envVar(pair: string): { name: string; value: string } {
  const equals = pair.indexOf("=");
  if (equals <= 0) throw new UserError(`invalid env: ${pair}`);
  return { name: pair.slice(0, equals), value: pair.slice(equals + 1) };
}

const isOver = (pod: Pod): boolean => pod.status.phase === "Succeeded" || pod.status.phase === "Failed";

/** Waits until it runs, joins its streams, and, with --rm, removes it whatever happened. */
async function attachToPod(
  session: Session,
  pod: Pod,
  options: RunFlags,
  context: CliContext,
): Promise<number> {
  const { name, namespace = session.namespace } = pod.metadata;
  const target: Selected = { resource: session.mapper.byName("pods"), namespace, name };
  try {
    const started = (object: KubeObject | undefined): boolean =>
      object !== undefined && (isOver(object as Pod) || hasStarted(object as Pod));
    await watchUntil(session, target, started, RUNNING_TIMEOUT_MS, context);
    await attachOrShowLog(session, target, options, context);
    return options.restart === "Never" || options.restart === "OnFailure"
      ? await exitCodeOf(session, target, context)
      : 0;
  } finally {
    if (options.rm) await removePod(session, target, options, context);
  }
}

const hasStarted = ({ status }: Pod): boolean =>
  status.containerStatuses?.some(
    ({ state }) => state.running !== undefined || state.terminated !== undefined,
  ) ?? false;

async function attachOrShowLog(
  session: Session,
  target: Selected,
  options: RunFlags,
  context: CliContext,
): Promise<void> {
  const { namespace = "default", name } = target;
  const tty = options.tty && context.stdin.isTTY;
  const query = new URLSearchParams({
    container: name,
    stdin: String(options.stdin),
    stdout: "true",
    stderr: String(!tty),
    tty: String(tty),
  });
  if (options.stdin && !options.quiet && tty) {
    context.stderr.write("If you don't see a command prompt, try pressing enter.\n");
  }
  const path = `${resourcePath(pods, { namespace, name, subresource: "attach" })}?${query.toString()}`;
  try {
    await runRemoteCommand(session.transport, { path, stdin: options.stdin, tty }, context);
  } catch (err) {
    // It ended before we came: what it wrote is in its log.
    if (!(err instanceof StatusError)) throw err;
    const { logsCommand } = await import("./logs.js");
    await logsCommand.run([name, "-n", namespace, "--kubeconfig", session.kubeconfig], context);
  }
}

async function exitCodeOf(session: Session, target: Selected, context: CliContext): Promise<number> {
  const over = (object: KubeObject | undefined): boolean => object === undefined || isOver(object as Pod);
  const pod = (await watchUntil(session, target, over, RUNNING_TIMEOUT_MS, context)) as Pod | undefined;
  return pod?.status.containerStatuses?.[0]?.state.terminated?.exitCode ?? 0;
}

async function removePod(
  session: Session,
  target: Selected,
  options: RunFlags,
  context: CliContext,
): Promise<void> {
  try {
    await session.client.delete(pods, target);
    if (!options.quiet)
      context.stdout.write(`pod "${target.name}" deleted from ${target.namespace} namespace\n`);
  } catch (err) {
    if (!isNotFound(err)) throw err;
  }
}
