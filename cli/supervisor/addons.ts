import { fileURLToPath } from "node:url";
import type { CliContext } from "../command.js";
import { connect } from "../connect.js";
import { applyManifests, readManifests } from "../manifests.js";
import type { ClusterDir } from "./cluster.js";

const SYSTEM_MANIFESTS = fileURLToPath(new URL("../../../manifests/system", import.meta.url));

/** Applies the cluster's own add-ons (DNS), then what the user named. */
export async function applyFiles(
  dir: ClusterDir,
  files: readonly string[],
  context: CliContext,
  onProgress: (step: string) => void,
): Promise<void> {
  const client = connect({ kubeconfig: dir.kubeconfig }, context).client;
  for (const path of [SYSTEM_MANIFESTS, ...files]) {
    for (const result of await applyManifests(client, readManifests([path]), context.clock, context.signal)) {
      onProgress(`${result.name} ${result.outcome}`);
    }
  }
}
