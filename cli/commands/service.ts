import { type Service, services } from "../../machinery/api/core-v1.js";
import { isNotFound } from "../../machinery/api/status.js";
import type { RestClient } from "../../machinery/client/rest-client.js";
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
  all: { kind: "bool", help: "Every Service of the namespace that has a node port." },
  url: { kind: "bool", help: "Print only the URLs, one a line." },
  https: { kind: "bool", help: "Print URLs with https." },
  wait: { kind: "int", default: 2, help: "Seconds to wait for an endpoint." },
  output: { kind: "string", short: "o", help: "json" },
} as const satisfies FlagSpecs;

const HEADER = ["NAMESPACE", "NAME", "TARGET PORT", "URL"];
const POLL_MS = 50;

/** `kubesim service NAME… [--url]`, `--all`, and `kubesim service list`, as minikube has them. */
export const serviceCommand: CliCommand = {
  async run(args, context) {
    const { flags: options, positionals } = parseFlags(args, flags);
    if ((positionals.length === 0) !== options.all)
      throw new UserError("name a Service, or say list or --all: kubesim service NAME --url", 2);
    const admin = clusterAdmin(options);
    const { client } = connect({ kubeconfig: admin.kubeconfig }, context);
    const print = (found: readonly Found[]): void => {
      if (options.output === "json") context.stdout.write(toJson(found));
      else if (options.url && positionals[0] !== "list")
        for (const { urls } of found) for (const { url } of urls) context.stdout.write(url ? `${url}\n` : "");
      else context.stdout.write(padColumns([HEADER, ...found.flatMap(rowsOf)]));
    };
    const namespace = options.namespace ?? "default";
    if (positionals[0] === "list" || options.all) {
      const at = options.all || options.namespace !== undefined ? { namespace } : {};
      const { items } = await client.list(services, at);
      const hostPorts = await hostPortsOf(admin);
      const wanted = options.all ? items.filter(hasNodePort) : items;
      print(wanted.map((service) => ({ service, urls: serviceUrls(service, hostPorts, options.https) })));
      return 0;
    }
    const untilMs = context.clock.monotonicMs() + (options.wait ?? 0) * 1000;
    const found: Found[] = [];
    for (const name of positionals) {
      const service = await named(client, { namespace, name: name.replace(/^(svc|services?)\//, "") });
      found.push({ service, urls: await servedUrls(admin, service, options.https, untilMs, context) });
    }
    print(found);
    return 0;
  },
};

/** Throws UserError, as minikube words it, for a Service that is not there or has no node port. */
async function named(client: RestClient, at: { namespace: string; name: string }): Promise<Service> {
  const { namespace, name } = at;
  const service = await client.get(services, at).catch((err: unknown) => {
    if (!isNotFound(err)) throw err;
    throw new UserError(
      `service "${name}" was not found in "${namespace}" namespace; select another namespace with ` +
        `"kubesim service ${name} -n NAMESPACE", or list all of them with "kubesim service list"`,
    );
  });
  if (hasNodePort(service)) return service;
  throw new UserError(
    `service ${namespace}/${name} has no node port; from here it is reached by ` +
      `"kubectl port-forward service/${name}" or "kubesim gateway"`,
  );
}

const hasNodePort = ({ spec }: Service): boolean =>
  spec.ports?.some(({ nodePort }) => nodePort !== undefined) ?? false;

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
