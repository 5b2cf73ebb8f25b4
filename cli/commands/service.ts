import { type Service, services } from "../../machinery/api/core-v1.js";
import type { CliCommand, CliContext } from "../command.js";
import { connect } from "../connect.js";
import { type FlagSpecs, parseFlags } from "../flags.js";
import type { HostPort } from "../live/host-ports.js";
import { type ServiceUrl, serviceUrls } from "../live/service-urls.js";
import { adminFlags, type ClusterAdmin, clusterAdmin } from "../objects/cluster-admin.js";
import { padColumns } from "../printers/columns.js";
import { UserError } from "../supervisor/cluster.js";

const flags = {
  ...adminFlags,
  url: { kind: "bool", help: "Print only the URLs, one a line." },
  https: { kind: "bool", help: "Print URLs with https." },
  wait: { kind: "int", default: 2, help: "Seconds to wait for an endpoint." },
  output: { kind: "string", short: "o", help: "json" },
} as const satisfies FlagSpecs;

const HEADER = ["NAMESPACE", "NAME", "TARGET PORT", "URL"];
const POLL_MS = 50;

/** `kubesim service NAME [--url]` and `kubesim service list`, as minikube has them. */
export const serviceCommand: CliCommand = {
  async run(args, context) {
    const { flags: options, positionals } = parseFlags(args, flags);
    const [first] = positionals;
    if (first === undefined || positionals.length > 1)
      throw new UserError("name one Service, or say list: kubesim service NAME --url", 2);
    const admin = clusterAdmin(options);
    const { client } = connect({ kubeconfig: admin.kubeconfig }, context);
    const json = options.output === "json";
    if (first === "list") {
      const at = options.namespace === undefined ? {} : { namespace: options.namespace };
      const { items } = await client.list(services, at);
      const hostPorts = await hostPortsOf(admin);
      const found = items.map((service) => ({ service, urls: serviceUrls(service, hostPorts) }));
      context.stdout.write(json ? toJson(found) : padColumns([HEADER, ...found.flatMap(rowsOf)]));
      return 0;
    }
    const at = { namespace: options.namespace ?? "default", name: first.replace(/^(svc|services?)\//, "") };
    const service = await client.get(services, at);
    if (!service.spec.ports?.some(({ nodePort }) => nodePort !== undefined))
      throw new UserError(
        `service ${at.namespace}/${at.name} has no node port; from here it is reached by ` +
          `"kubectl port-forward service/${at.name}" or "kubesim gateway"`,
      );
    const untilMs = context.clock.monotonicMs() + (options.wait ?? 0) * 1000;
    const urls = await servedUrls(admin, service, options.https, untilMs, context);
    if (json) context.stdout.write(toJson([{ service, urls }]));
    else if (options.url) for (const { url } of urls) context.stdout.write(url ? `${url}\n` : "");
    else context.stdout.write(padColumns([HEADER, ...rowsOf({ service, urls })]));
    return 0;
  },
};

/** Waits a little for the first endpoint; nothing listens for a Service that has none. */
async function servedUrls(
  admin: ClusterAdmin,
  service: Service,
  https: boolean,
  untilMs: number,
  { clock, signal }: CliContext,
): Promise<ServiceUrl[]> {
  const { namespace = "default", name } = service.metadata;
  for (;;) {
    const urls = serviceUrls(service, await hostPortsOf(admin), https);
    if (urls.some(({ url }) => url !== undefined)) return urls;
    if (clock.monotonicMs() >= untilMs || signal.aborted)
      throw new UserError(
        `service not available: no running pod for service ${namespace}/${name} found; its node port refuses`,
      );
    await clock.sleep(POLL_MS, signal).catch(() => {});
  }
}

const hostPortsOf = (admin: ClusterAdmin): Promise<HostPort[]> =>
  admin.call<HostPort[]>("dataplane", "GET", "/host-ports");

interface Found {
  service: Service;
  urls: readonly ServiceUrl[];
}

function rowsOf({ service, urls }: Found): string[][] {
  const { namespace = "", name } = service.metadata;
  if (!urls.some(({ nodePort }) => nodePort !== undefined)) return [[namespace, name, "No node port", ""]];
  return urls.map(({ targetPort, nodePort, url }) => [
    namespace,
    name,
    targetPort,
    url ?? (nodePort === undefined ? "No node port" : `<no endpoints on ${nodePort}>`),
  ]);
}

const toJson = (found: readonly Found[]): string =>
  `${JSON.stringify(
    found.map(({ service, urls }) => ({
      namespace: service.metadata.namespace,
      name: service.metadata.name,
      ports: urls,
    })),
    undefined,
    2,
  )}\n`;
