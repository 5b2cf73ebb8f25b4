import type { CliCommand } from "../command.js";
import { type FlagSpecs, parseFlags } from "../flags.js";
import { nodeShellTransport } from "../live/node-shell.js";
import { adminFlags, clusterAdmin } from "../objects/cluster-admin.js";
import { runRemoteCommand } from "../objects/remote-command.js";
import { UserError } from "../supervisor/cluster.js";

const flags = {
  ...adminFlags,
  stdin: { kind: "bool", short: "i", help: "Pass stdin to the program." },
  tty: { kind: "bool", short: "t", help: "Stdin is a TTY." },
} as const satisfies FlagSpecs;

/** Ended by Ctrl-C, as a shell says it. */
const INTERRUPTED = 130;

/** `kubesim ssh node-1 -- curl -s http://localhost:30080`: a program in the node's own network. Its exit code is ours. */
export const sshCommand: CliCommand = {
  async run(args, context) {
    const { flags: options, positionals, afterDash } = parseFlags(args, flags);
    const [target, ...more] = positionals;
    if (target === undefined) throw new UserError("which node? kubesim ssh NODE -- COMMAND", 2);
    const node = target.replace(/^(no|nodes?)\//, "");
    const command = afterDash ?? more;
    const interactive = command.length === 0;
    const request = {
      node,
      command,
      stdin: options.stdin || interactive,
      tty: (options.tty || interactive) && context.stdin.isTTY,
    };
    if (options.tty && !request.tty)
      context.stderr.write("Unable to use a TTY - input is not a terminal or the right kind of file\n");
    const transport = nodeShellTransport(clusterAdmin(options), request);
    const { stdin, tty } = request;
    const exitCode = await runRemoteCommand(transport, { path: "", stdin, tty }, context);
    return context.signal.aborted ? INTERRUPTED : exitCode;
  },
};
