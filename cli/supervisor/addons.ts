import { fileURLToPath } from "node:url";
import type { CliContext } from "../command.js";
import { connect } from "../connect.js";
import { readManifests } from "../manifests.js";
import { applyWhileStarting } from "../objects/apply.js";
import { builtInResource } from "../resource-for.js";
import type { ClusterDir } from "./cluster.js";

const SYSTEM_MANIFESTS = fileURLToPath(new URL("../../../manifests/system", import.meta.url));
/** What `up --ingress` applies too. */
export const INGRESS_MANIFEST = fileURLToPath(
  new URL("../../../manifests/addons/ingress-nginx.yaml", import.meta.url),
);

/** Applies the cluster's own add-ons (DNS), then what the user named. */
export async function applyFiles(
  dir: ClusterDir,
  files: readonly string[],
  context: CliContext,
  onProgress: (step: string) => void,
): Promise<void> {
  const { client } = connect({ kubeconfig: dir.kubeconfig }, context);
  // Without asking the server what it serves: a start has no time for that.
  const documents = readManifests([SYSTEM_MANIFESTS, ...files]);
  const options = { client, namespace: "default" };
  for (const document of documents) {
    const [result] = await applyWhileStarting(
      options,
      builtInResource,
      [document],
      context.clock,
      context.signal,
    );
    if (result) onProgress(`${result.name} ${result.outcome}`);
  }
}
