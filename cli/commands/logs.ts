import { type Pod, pods } from "../../machinery/api/core-v1.js";
import { readBody } from "../../machinery/api/http.js";
import { resourcePath } from "../../machinery/api/resource.js";
import { isStatus, toStatusError } from "../../machinery/api/status.js";
import type { CliCommand, CliContext } from "../command.js";
import { type FlagSpecs, parseFlags } from "../flags.js";
import { connectionFlags, openSession, type Session } from "../objects/connection-flags.js";
import { podsBehind } from "../objects/pods-behind.js";
import { UserError } from "../supervisor/cluster.js";

const flags = {
  ...connectionFlags,
  follow: { kind: "bool", short: "f", help: "Specify if the logs should be streamed." },
  container: { kind: "string", short: "c", help: "Print the logs of this container." },
  previous: { kind: "bool", short: "p", help: "Print the logs for the previous instance of the container." },
  tail: { kind: "int", help: "Lines of recent log file to display.", default: -1 },
  since: { kind: "string", help: "Only return logs newer than a relative duration like 5s, 2m, or 3h." },
  timestamps: { kind: "bool", help: "Include timestamps on each line in the log output." },
  "limit-bytes": { kind: "int", help: "Maximum bytes of logs to return." },
  selector: { kind: "string", short: "l", help: "Label selector to filter on." },
  "all-containers": { kind: "bool", help: "Get all containers' logs in the pod(s)." },
  prefix: { kind: "bool", help: "Prefix each log line with the log source." },
} as const satisfies FlagSpecs;

type LogFlags = ReturnType<typeof parseFlags<typeof flags>>["flags"];

/** `kubesim logs [-f] POD|TYPE/NAME|-l SELECTOR [-c CONTAINER]`. */
export const logsCommand: CliCommand = {
  async run(args, context) {
    const { flags: options, positionals } = parseFlags(args, flags);
    const session = await openSession(options, context);
    const found = await findPods(session, positionals, options);
    const sources = found.flatMap((pod) =>
      containersOf(pod, options.container ?? positionals[1], options).map((container) => ({
        pod,
        container,
      })),
    );
    if (options.follow)
      await Promise.all(sources.map((source) => printLog(session, source, options, context)));
    else for (const source of sources) await printLog(session, source, options, context);
    return 0;
  },
};

async function findPods(session: Session, args: readonly string[], options: LogFlags): Promise<Pod[]> {
  if (options.selector) {
    return (
      await session.client.list(pods, { namespace: session.namespace, labelSelector: options.selector })
    ).items;
  }
  const [target] = args;
  if (!target)
    throw new UserError(
      "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command",
      2,
    );
  return podsBehind(session, target, 1);
}

function containersOf(pod: Pod, named: string | undefined, options: LogFlags): (string | undefined)[] {
  if (named) return [named];
  if (!options["all-containers"]) return [undefined];
  return [...(pod.spec.initContainers ?? []), ...pod.spec.containers].map(({ name }) => name);
}

async function printLog(
  session: Session,
  { pod, container }: { pod: Pod; container: string | undefined },
  options: LogFlags,
  context: CliContext,
): Promise<void> {
  const query = new URLSearchParams({
    ...(container ? { container } : {}),
    ...(options.follow ? { follow: "true" } : {}),
    ...(options.previous ? { previous: "true" } : {}),
    ...(options.timestamps ? { timestamps: "true" } : {}),
    ...(options.tail !== undefined && options.tail >= 0 ? { tailLines: String(options.tail) } : {}),
    ...(options["limit-bytes"] === undefined ? {} : { limitBytes: String(options["limit-bytes"]) }),
    ...(options.since ? { sinceSeconds: String(seconds(options.since)) } : {}),
  });
  const { namespace, name } = pod.metadata;
  const path = `${resourcePath(pods, { ...(namespace ? { namespace } : {}), name, subresource: "log" })}?${query.toString()}`;
  const response = await session.client.request({ method: "GET", path }, context.signal);
  if (response.status !== 200) {
    const body: unknown = JSON.parse(Buffer.from(await readBody(response.body)).toString("utf8"));
    throw isStatus(body) ? toStatusError(body) : new UserError(`the server answered ${response.status}`);
  }
  const prefix = options.prefix ? `[pod/${name}/${container ?? pod.spec.containers[0]?.name ?? ""}] ` : "";
  await copy(response.body, prefix, context);
}

async function copy(
  body: Uint8Array | AsyncIterable<Uint8Array>,
  prefix: string,
  context: CliContext,
): Promise<void> {
  try {
    for await (const chunk of body instanceof Uint8Array ? [body] : body) {
      if (!prefix) context.stdout.write(chunk);
      else
        context.stdout.write(
          Buffer.from(chunk)
            .toString("utf8")
            .replace(/^(?=.)/gm, prefix),
        );
    }
  } catch (err) {
    if (!context.signal.aborted) throw err;
  }
}

function seconds(text: string): number {
  const match = /^(\d+)(s|m|h)$/.exec(text);
  if (!match)
    throw new UserError(`invalid argument "${text}" for "--since" flag: time: invalid duration "${text}"`, 2);
  return Number(match[1]) * ({ s: 1, m: 60, h: 3600 }[match[2] ?? "s"] ?? 1);
}
