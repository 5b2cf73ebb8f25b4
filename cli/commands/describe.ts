import { events } from "../../machinery/api/core-v1.js";
import type { CliCommand } from "../command.js";
import { eventLines } from "../describers/describer.js";
import { describerOf } from "../describers/describers.js";
import { type FlagSpecs, parseFlags } from "../flags.js";
import { connectionFlags, openSession, type Session } from "../objects/connection-flags.js";
import { forEach } from "../objects/each.js";
import { type Selected, selectionFlags, selectObjects } from "../objects/selected.js";
import { alignTabs } from "../printers/tab-writer.js";
import { UserError } from "../supervisor/cluster.js";

const flags = {
  ...connectionFlags,
  ...selectionFlags,
  "show-events": {
    kind: "bool",
    default: true,
    help: "If true, display events related to the described object.",
  },
} as const satisfies FlagSpecs;

/** `kubesim describe TYPE [NAME…]`. */
export const describeCommand: CliCommand = {
  async run(args, context) {
    const { flags: options, positionals } = parseFlags(args, flags);
    if (positionals.length === 0 && options.filename.length === 0) {
      throw new UserError("You must specify the type of resource to describe.", 2);
    }
    const session = await openSession(options, context);
    const selected = await selectObjects(
      session,
      positionals,
      { ...options, all: !options.selector },
      context,
    );
    if (selected.length === 0)
      context.stderr.write(`No resources found in ${session.namespace} namespace.\n`);
    let first = true;
    return forEach(selected, context, async (target) => {
      const text = await describe(session, target, options["show-events"], context.clock.nowMs());
      context.stdout.write(first ? text : `\n\n${text}`);
      first = false;
    });
  },
};

async function describe(
  session: Session,
  target: Selected,
  withEvents: boolean,
  nowMs: number,
): Promise<string> {
  const { descriptor } = target.resource;
  const object = await session.client.get(descriptor, target);
  const lines = await describerOf(descriptor.kind).describe(object, { client: session.client, nowMs });
  if (withEvents) {
    const { items } = await session.client.list(events, {
      ...(target.namespace ? { namespace: target.namespace } : {}),
      fieldSelector: `involvedObject.name=${target.name},involvedObject.kind=${descriptor.kind},involvedObject.uid=${
        descriptor.kind === "Node" ? target.name : object.metadata.uid
      }`,
    });
    lines.push(...eventLines(items, nowMs));
  }
  return `${alignTabs(lines.join("\n"))}\n`;
}
