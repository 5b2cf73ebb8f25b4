import { pods } from "../../machinery/api/core-v1.js";
import { resourcePath } from "../../machinery/api/resource.js";
import type { CliCommand } from "../command.js";
import { type FlagSpecs, parseFlags } from "../flags.js";
import { connectionFlags, openSession } from "../objects/connection-flags.js";
import { podsBehind } from "../objects/pods-behind.js";
import { runRemoteCommand } from "../objects/remote-command.js";
import { UserError } from "../supervisor/cluster.js";

const flags = {
  ...connectionFlags,
  container: { kind: "string", short: "c", help: "Container name." },
  stdin: { kind: "bool", short: "i", help: "Pass stdin to the container." },
  tty: { kind: "bool", short: "t", help: "Stdin is a TTY." },
} as const satisfies FlagSpecs;

/** `kubesim exec [-it] POD [-c CONTAINER] -- COMMAND`. The program's exit code is the command's. */
export const execCommand: CliCommand = {
  async run(args, context) {
    const { flags: options, positionals, afterDash } = parseFlags(args, flags);
    const [target, ...more] = positionals;
    const command = afterDash ?? more;
    if (!target) throw new UserError("pod, type/name or --filename must be specified", 2);
    if (command.length === 0)
      throw new UserError("you must specify at least one command for the container", 2);
    const session = await openSession(options, context);
    const [pod] = await podsBehind(session, target, 1);
    if (!pod) throw new UserError(`no pod behind ${target}`);
    const tty = options.tty && context.stdin.isTTY;
    if (options.tty && !tty) {
      context.stderr.write("Unable to use a TTY - input is not a terminal or the right kind of file\n");
    }
    const query = new URLSearchParams({
      ...(options.container ? { container: options.container } : {}),
      stdin: String(options.stdin),
      stdout: "true",
      stderr: String(!tty),
      tty: String(tty),
    });
    for (const word of command) query.append("command", word);
    const { namespace = "default", name } = pod.metadata;
    const path = `${resourcePath(pods, { namespace, name, subresource: "exec" })}?${query.toString()}`;
    const exitCode = await runRemoteCommand(session.transport, { path, stdin: options.stdin, tty }, context);
    if (exitCode !== 0) context.stderr.write(`command terminated with exit code ${exitCode}\n`);
    return exitCode;
  },
};
