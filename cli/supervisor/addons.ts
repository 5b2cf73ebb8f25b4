import { fileURLToPath } from "node:url";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import type { ResourceDescriptor } from "../../machinery/api/resource.js";
import type { CliContext } from "../command.js";
import { connect } from "../connect.js";
import { readManifests } from "../manifests.js";
import { applyWhileStarting } from "../objects/apply.js";
import { resourceFor } from "../resource-for.js";
import { type ClusterDir, UserError } from "./cluster.js";

const SYSTEM_MANIFESTS = fileURLToPath(new URL("../../../manifests/system", import.meta.url));

/** Applies the cluster's own add-ons (DNS), then what the user named. */
export async function applyFiles(
  dir: ClusterDir,
  files: readonly string[],
  context: CliContext,
  onProgress: (step: string) => void,
): Promise<void> {
  const { client } = connect({ kubeconfig: dir.kubeconfig }, context);
  const documents = readManifests([SYSTEM_MANIFESTS, ...files]);
  const options = { client, namespace: "default" };
  for (const document of documents) {
    const [result] = await applyWhileStarting(options, builtIn, [document], context.clock, context.signal);
    if (result) onProgress(`${result.name} ${result.outcome}`);
  }
}

/** Without asking the server what it serves: a start has no time for that. */
function builtIn(object: KubeObject): ResourceDescriptor {
  const found = resourceFor(object);
  if (found) return found;
  throw new UserError(
    `resource mapping not found for name: "${object.metadata?.name ?? ""}" namespace: "${object.metadata?.namespace ?? ""}": no matches for kind "${object.kind}" in version "${object.apiVersion}"`,
  );
}
