import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Scenario } from "../../chaos/scenario/types.js";
import type { ReadManifests } from "../../simulation/cluster-access.js";
import { type ManifestDocument, readManifests } from "../manifests.js";

/** Of the clone, from the sources and from what is built of them. */
const DNS_MANIFESTS = ["../../manifests/system/coredns.yaml", "../../../manifests/system/coredns.yaml"];

/** The scenario with cluster DNS, unless it wants none, in front of its manifests, and every file that it will ask for, read. */
export function withFiles(scenario: Scenario): { scenario: Scenario; files: ReadManifests } {
  const dns = DNS_MANIFESTS.map((path) => fileURLToPath(new URL(path, import.meta.url))).find((path) =>
    existsSync(path),
  );
  const wanted = dns !== undefined && scenario.cluster.dns !== false;
  const manifests = [...(wanted ? [dns] : []), ...scenario.manifests];
  const files = new Map<string, readonly ManifestDocument[]>();
  for (const source of manifests)
    if (typeof source === "string" && !files.has(source)) files.set(source, readManifests([source]));
  return { scenario: { ...scenario, manifests }, files };
}
