import type { KubeObject } from "../../machinery/api/meta-v1.js";
import type { CliCommand } from "../command.js";
import { type FlagSpecs, parseFlags } from "../flags.js";
import { connectionFlags, openSession } from "../objects/connection-flags.js";
import { forEach } from "../objects/each.js";
import { displayName, selectionFlags, selectObjects } from "../objects/selected.js";
import { UserError } from "../supervisor/cluster.js";

const flags = {
  ...connectionFlags,
  ...selectionFlags,
  replicas: { kind: "int", help: "The new desired number of replicas. Required." },
  "current-replicas": { kind: "int", help: "Precondition for current size." },
  "resource-version": { kind: "string", help: "Precondition for resource version." },
} as const satisfies FlagSpecs;

/** `kubesim scale --replicas=N TYPE NAME`, through the scale subresource. */
export const scaleCommand: CliCommand = {
  async run(args, context) {
    const { flags: options, positionals } = parseFlags(args, flags);
    if (options.replicas === undefined || options.replicas < 0) {
      throw new UserError(
        "The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0",
      );
    }
    const replicas = options.replicas;
    const session = await openSession(options, context);
    const selected = await selectObjects(session, positionals, options, context);
    return forEach(selected, context, async (target) => {
      const { descriptor } = target.resource;
      const scale = (await session.client.get(descriptor, target, { subresource: "scale" })) as KubeObject & {
        spec: { replicas?: number };
      };
      const current = scale.spec.replicas ?? 0;
      const expected = options["current-replicas"];
      if (expected !== undefined && expected !== current) {
        throw new UserError(`Expected replicas to be ${expected}, was ${current}`);
      }
      if (options["resource-version"] && options["resource-version"] !== scale.metadata.resourceVersion) {
        throw new UserError(
          `Expected resource version to be ${options["resource-version"]}, was ${scale.metadata.resourceVersion}`,
        );
      }
      await session.client.patch(
        descriptor,
        target,
        { type: "merge", body: { spec: { replicas } } },
        { subresource: "scale" },
      );
      context.stdout.write(`${displayName(descriptor, target.name)} scaled\n`);
    });
  },
};
