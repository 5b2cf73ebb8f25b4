import { ensurePki } from "../../machinery/runtime/pki.js";
import {
  chooseRunDir,
  type ClusterDir,
  type ClusterFile,
  loopbackIndexOf,
  prepareDataDir,
  UserError,
} from "./cluster.js";
import { chooseApiPort, chooseDnsPort } from "./free-port.js";
import { readLivePid } from "./pid-file.js";
import { pidFile } from "./processes.js";

const DEFAULT_NODES = 3;

/**
 * Makes the data directory ready for a start: paths, keys and credentials, and a port for the API server. Throws
 * UserError when it is a file, belongs to a running cluster, or the port is taken. Starts nothing.
 */
export async function prepareCluster(
  dir: ClusterDir,
  options: { name: string; nodes?: number; zones?: number; apiPort?: number },
): Promise<ClusterFile> {
  prepareDataDir(dir);
  const earlier = dir.read();
  if (earlier) {
    const owner = readLivePid(pidFile(earlier, "supervisor"));
    if (owner !== undefined) {
      throw new UserError(
        `cluster "${earlier.name}" is already running from ${dir.path} (pid ${owner}, https://127.0.0.1:${earlier.apiPort})`,
      );
    }
  }
  const cluster: ClusterFile = {
    name: options.name,
    nodes: options.nodes ?? earlier?.nodes ?? DEFAULT_NODES,
    zones: options.zones ?? earlier?.zones ?? 0,
    apiPort: await chooseApiPort(options.apiPort, earlier?.apiPort),
    runDir: chooseRunDir(dir, earlier?.runDir),
    loopbackIndex: loopbackIndexOf(options.name),
    dnsPort: await chooseDnsPort(earlier?.dnsPort),
  };
  await ensurePki({
    dir: dir.pki,
    credentialsDir: dir.credentials,
    kubeconfig: dir.kubeconfig,
    clusterName: `kubesim-${options.name}`,
    server: `https://127.0.0.1:${cluster.apiPort}`,
    nodeNames: Array.from({ length: cluster.nodes }, (_, i) => `node-${i + 1}`),
  });
  dir.write(cluster);
  return cluster;
}
