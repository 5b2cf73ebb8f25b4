import type { HealedFault, OpenFault } from "../../chaos/fault-holder.js";
import { printable } from "../../chaos/reports/escape.js";
import { AdminError, adminCall } from "../../machinery/runtime/admin-server.js";
import type { CliContext } from "../command.js";
import { kubeconfigPath } from "../connect.js";
import { localCluster } from "../live/live-cluster.js";
import { UserError } from "../supervisor/cluster.js";
import { adminSocket } from "../supervisor/processes.js";
import { type ChaosFlags, COULD_NOT_RUN } from "./flags.js";

/** `kubesim chaos status`: which faults the cluster's supervisor holds, and which it could not heal. */
export async function chaosStatus(options: ChaosFlags, { stdout, clock }: CliContext): Promise<number> {
  const faults = (await askSupervisor(options, "GET", "/chaos/faults")) as OpenFault[];
  if (options.output === "json") {
    stdout.write(`${JSON.stringify(faults, undefined, 2)}\n`);
    return 0;
  }
  if (faults.length === 0) stdout.write("No fault is held\n");
  const nowMs = clock.nowMs();
  for (const { id, fault, target, state, injectedAtMs, endsAtMs } of faults) {
    const age = `for ${seconds(nowMs - injectedAtMs)}`;
    const left = state === "held" ? `${age}, ends in ${seconds(endsAtMs - nowMs)}` : `NOT HEALED, ${age}`;
    stdout.write(printable(`${id}  ${fault}  ${left}  ${JSON.stringify(target)}`).concat("\n"));
  }
  return 0;
}

/** `kubesim chaos heal [ID]`: ends faults now. Exit code 1 when one could not be healed. */
export async function chaosHeal(
  id: string | undefined,
  options: ChaosFlags,
  { stdout, stderr }: CliContext,
): Promise<number> {
  const which = id === undefined ? "" : `?id=${encodeURIComponent(id)}`;
  const healed = (await askSupervisor(options, "DELETE", `/chaos/faults${which}`)) as HealedFault[];
  if (id !== undefined && healed.length === 0)
    throw new UserError(
      `no fault "${id}" is held; "kubesim chaos status" lists those that are`,
      COULD_NOT_RUN,
    );
  if (options.output === "json") stdout.write(`${JSON.stringify(healed, undefined, 2)}\n`);
  else if (healed.length === 0) stdout.write("No fault is held\n");
  for (const fault of healed) {
    if (fault.error !== undefined)
      stderr.write(printable(`error: ${fault.id} is not healed: ${fault.error}`).concat("\n"));
    else if (options.output !== "json")
      stdout.write(printable(`${fault.id}  ${fault.fault}  healed`).concat("\n"));
  }
  return healed.some(({ error }) => error !== undefined) ? 1 : 0;
}

async function askSupervisor(options: ChaosFlags, method: "GET" | "DELETE", path: string): Promise<unknown> {
  const { cluster } = localCluster(
    kubeconfigPath({
      ...(options.kubeconfig ? { kubeconfig: options.kubeconfig } : {}),
      ...(options.name ? { name: options.name } : {}),
    }),
  );
  try {
    return await adminCall(adminSocket(cluster, "supervisor"), method, path);
  } catch (err) {
    if (err instanceof AdminError && err.status === 0)
      throw new UserError(
        `cluster "${cluster.name}" is not running: what it left is healed by its next start`,
        COULD_NOT_RUN,
      );
    throw err;
  }
}

const seconds = (ms: number): string => `${Math.max(0, ms / 1000).toFixed(1)} s`;
