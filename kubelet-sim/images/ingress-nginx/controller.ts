import { EventRecorder } from "../../../machinery/client/event-recorder.js";
import { RestClient } from "../../../machinery/client/rest-client.js";
import { SharedInformers } from "../../../machinery/client/shared-informers.js";
import { Settings, toPolicy } from "../../../machinery/ingress/annotations.js";
import { Forwarder } from "../../../machinery/ingress/forward.js";
import { IngressController } from "../../../machinery/ingress/ingress-controller.js";
import { IngressProxy } from "../../../machinery/ingress/ingress-proxy.js";
import type { Route } from "../../../machinery/ingress/route.js";
import { ServiceUpstreams } from "../../../machinery/ingress/service-upstreams.js";
import { dialTls } from "../../../machinery/network/edge/tls.js";
import type { Process } from "../process.js";
import { type IngressFlags, parseFlags } from "./flags.js";
import { serveListeners } from "./listeners.js";
import { accessLine, klogLine, LineWriter } from "./logs.js";
import { IngressMetrics } from "./metrics.js";
import { StatusUpdates } from "./status.js";

const VERSION = "v1.14.0";
const BANNER = `-------------------------------------------------------------------------------
NGINX Ingress controller
  Release:       ${VERSION}
  Build:         52c0a83ac9bc72e9ce1b9fe4f2d6dcc8854516a8
  Repository:    https://github.com/kubernetes/ingress-nginx
  nginx version: nginx/1.27.1

-------------------------------------------------------------------------------

`;
const SYNC_POLL_MS = 5;

/** Everything of one controller, wired. */
export interface Running {
  process: Process;
  flags: IngressFlags;
  namespace: string;
  client: RestClient;
  controller: IngressController;
  upstreams: ServiceUpstreams;
  proxy: IngressProxy;
  metrics: IngressMetrics;
  status: StatusUpdates;
  log: (level: "I" | "W" | "E", source: string, text: string) => void;
}

export async function runController(process: Process): Promise<number> {
  const stderr = new LineWriter(process, "stderr");
  const transport = process.api();
  await process.stdout.write(BANNER);
  if (!transport) {
    await process.stderr.write(
      klogLine(
        process,
        "F",
        "main.go:70",
        "Error while initiating a connection to the Kubernetes API server. This could mean the cluster is misconfigured (e.g. it has invalid API server certificates or Service Accounts configuration). Reason: open /var/run/secrets/kubernetes.io/serviceaccount/token: no such file or directory",
      ),
    );
    return 255;
  }
  const client = new RestClient({
    transport,
    clock: process.clock,
    userAgent: `nginx-ingress-controller/${VERSION}`,
  });
  const running = wire(process, client, (level, source, text) =>
    stderr.write(klogLine(process, level, source, text)),
  );
  running.log("I", "nginx.go:271", '"Starting NGINX Ingress controller"');
  while (!(running.controller.hasSynced() && running.upstreams.hasSynced()))
    await process.sleep(SYNC_POLL_MS);
  running.controller.flush();
  running.status.start();
  return serveListeners(running);
}

function wire(process: Process, client: RestClient, log: Running["log"]): Running {
  const { clock, rng, logger } = process;
  const namespace = process.environment.get("POD_NAMESPACE") ?? "ingress-nginx";
  const flags = parseFlags(process.argv.slice(1), namespace);
  const informers = new SharedInformers({ client, clock, rng: rng.fork("informers"), logger });
  const recorder = new EventRecorder({
    client,
    clock,
    rng: rng.fork("events"),
    logger,
    component: "nginx-ingress-controller",
  });
  const selection = flags.watchNamespace ? { namespace: flags.watchNamespace } : {};
  const upstreams = new ServiceUpstreams(informers, selection);
  const metrics = new IngressMetrics({
    controllerClass: flags.controllerClass,
    namespace,
    pod: process.environment.get("POD_NAME") ?? process.hostname,
  });
  const controller = new IngressController({
    informers,
    recorder,
    clock,
    class: {
      controller: flags.controllerClass,
      annotation: flags.ingressClass,
      withoutClass: flags.watchIngressWithoutClass,
      byName: flags.ingressClassByName,
    },
    ...selection,
    ...(flags.configMap === undefined ? {} : { configMap: flags.configMap }),
    log,
    onChange: () => status.changed(),
  });
  const status: StatusUpdates = new StatusUpdates({
    process,
    flags,
    namespace,
    client,
    informers,
    controller,
    log,
  });
  const proxy = newProxy(process, flags, controller, upstreams, metrics);
  process.background(() => informers.run(process.signal));
  process.background(() => recorder.run(process.signal));
  return { process, flags, namespace, client, controller, upstreams, proxy, metrics, status, log };
}

function newProxy(
  process: Process,
  flags: IngressFlags,
  controller: IngressController,
  upstreams: ServiceUpstreams,
  metrics: IngressMetrics,
): IngressProxy {
  const { clock, rng } = process;
  const stdout = new LineWriter(process, "stdout");
  return new IngressProxy({
    router: controller.router,
    forwarder: new Forwarder({
      network: process.network,
      clock,
      rng: rng.fork("forwarder"),
      upstreams,
      lookup: (name) => process.resolver.lookup(name),
      secure: (connection, name) => dialTls(connection, name, clock),
    }),
    clock,
    rng: rng.fork("proxy"),
    defaultRoute: () => defaultRoute(flags, upstreams),
    onServed: (exchange) => {
      metrics.served(exchange, clock.monotonicMs());
      stdout.write(accessLine(exchange, clock.nowMs(), clock.monotonicMs()));
    },
  });
}

/** `--default-backend-service`, at its first port. */
function defaultRoute(flags: IngressFlags, upstreams: ServiceUpstreams): Route | undefined {
  const [namespace, name] = flags.defaultBackendService?.split("/") ?? [];
  if (!namespace || !name) return undefined;
  const port = upstreams.service(namespace, name)?.spec.ports?.[0]?.port ?? 80;
  return {
    match: { path: { type: "Prefix", value: "/" } },
    owner: "",
    targets: [{ target: { namespace, name, port }, weight: 1 }],
    policy: toPolicy(new Settings(undefined)),
  };
}
