import { fileURLToPath } from "node:url";
import pc from "picocolors";
import type { CliCommand, CliContext } from "../command.js";
import { connect } from "../connect.js";
import type { Service } from "../../machinery/api/core-v1.js";
import { services } from "../../machinery/api/core-v1.js";
import type { ClusterStatus } from "../supervisor/supervisor.js";
import { waitForAnswer } from "../wait-for-answer.js";
import { localPortOf } from "../live/host-ports.js";
import { ClusterDir } from "../supervisor/cluster.js";
import { currentStatus, parseUp, runCluster } from "./up.js";

const DEMO_MANIFESTS = fileURLToPath(new URL("../../../manifests/demo", import.meta.url));
const DEMO_NODE_PORT_SERVICE = "web-nodeport";

/** `npm start`: a three-node cluster in the foreground with the demo applied, and how to use it. */
export const startCommand: CliCommand = {
  async run(args, context) {
    const options = parseUp(
      args,
      "start",
      "Starts a cluster in the foreground with manifests/demo applied, and says how to use it.",
    );
    if (!options) return 0;
    const startedMs = context.clock.monotonicMs();
    const seconds = (): string => `${((context.clock.monotonicMs() - startedMs) / 1000).toFixed(1)}s`;
    const progress = (step: string): void => {
      context.stdout.write(`${pc.dim(seconds().padStart(6))}  ${step}\n`);
    };
    progress(`Starting cluster "${options.name}"`);
    await runCluster(
      { ...options, filename: [DEMO_MANIFESTS, ...options.filename] },
      context,
      async (status) => {
        const url = await demoUrl(new ClusterDir(status.dataDir), context);
        await waitForAnswer(url, context);
        progress(`${url} answers`);
        context.stdout.write(howToUse(status, url));
      },
      progress,
    );
    context.stdout.write("Stopped. The data stays: `npm start` goes on from it.\n");
    return 0;
  },
};

/** Where the demo's NodePort answers on this machine; waits until something listens. */
async function demoUrl(dir: ClusterDir, context: CliContext): Promise<string> {
  const { client } = connect({ kubeconfig: dir.kubeconfig }, context);
  const service: Service = await client.get(services, { namespace: "default", name: DEMO_NODE_PORT_SERVICE });
  const nodePort = service.spec.ports?.[0]?.nodePort ?? 0;
  for (;;) {
    const port = localPortOf((await currentStatus(dir))?.hostPorts ?? [], nodePort);
    if (port !== undefined) return `http://127.0.0.1:${port}`;
    await context.clock.sleep(POLL_MS, context.signal);
  }
}

const POLL_MS = 15;

function howToUse(status: ClusterStatus, url: string): string {
  const cli = fileURLToPath(new URL("../main.js", import.meta.url));
  return `
Your cluster is ready. In another terminal:

  ${pc.bold(`export KUBECONFIG=${status.kubeconfig}`)}
  curl ${url}

Three things to try:

  1. Kill every pod behind the Service and watch it go on:
       kubectl delete pods -l app=web --wait=false; kubectl get pods -o wide -w
  2. Ask why a request went where it went:
       node ${cli} trace --from pod/client http://web
  3. Break it on purpose, the same way twice:
       node ${cli} chaos run ${fileURLToPath(new URL("../../../manifests/chaos/pod-killer.yaml", import.meta.url))}

Ctrl-C stops it all.
`;
}
