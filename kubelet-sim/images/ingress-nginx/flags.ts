/** ingress-nginx's command line, as far as it means something here. Others are taken and have no effect. */
export interface IngressFlags {
  ingressClass: string;
  controllerClass: string;
  ingressClassByName: boolean;
  watchIngressWithoutClass: boolean;
  /** "" is every namespace. */
  watchNamespace: string;
  configMap?: string;
  publishService?: string;
  publishStatusAddress?: string;
  electionId: string;
  defaultBackendService?: string;
  defaultSslCertificate?: string;
  updateStatus: boolean;
  updateStatusOnShutdown: boolean;
  httpPort: number;
  httpsPort: number;
  healthzPort: number;
}

/** pflag's forms: `--name=value`, `--name value`, and `--flag` for a boolean. */
export function parseFlags(args: readonly string[], namespace: string): IngressFlags {
  const values = readFlags(args);
  const text = (name: string): string | undefined =>
    values.get(name)?.replaceAll("$(POD_NAMESPACE)", namespace);
  const flag = (name: string, otherwise: boolean): boolean => {
    const value = values.get(name);
    return value === undefined ? otherwise : value !== "false";
  };
  const port = (name: string, otherwise: number): number => {
    const value = Number(values.get(name));
    return Number.isInteger(value) && value > 0 && value < 65_536 ? value : otherwise;
  };
  const optional = {
    configMap: text("configmap"),
    publishService: text("publish-service"),
    publishStatusAddress: text("publish-status-address"),
    defaultBackendService: text("default-backend-service"),
    defaultSslCertificate: text("default-ssl-certificate"),
  };
  return {
    ingressClass: text("ingress-class") ?? "nginx",
    controllerClass: text("controller-class") ?? "k8s.io/ingress-nginx",
    ingressClassByName: flag("ingress-class-by-name", false),
    watchIngressWithoutClass: flag("watch-ingress-without-class", false),
    watchNamespace: text("watch-namespace") ?? "",
    electionId: text("election-id") ?? "ingress-controller-leader",
    updateStatus: flag("update-status", true),
    updateStatusOnShutdown: flag("update-status-on-shutdown", true),
    httpPort: port("http-port", 80),
    httpsPort: port("https-port", 443),
    healthzPort: port("healthz-port", 10_254),
    ...(Object.fromEntries(Object.entries(optional).filter(([, value]) => value)) as Partial<
      typeof optional
    > &
      Record<string, never>),
  };
}

function readFlags(args: readonly string[]): Map<string, string> {
  const values = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const match = /^--?([a-z0-9-]+)(?:=(.*))?$/.exec(args[i] ?? "");
    if (!match) continue;
    const next = args[i + 1];
    const takesNext = match[2] === undefined && next !== undefined && !next.startsWith("-");
    values.set(match[1] ?? "", match[2] ?? (takesNext ? next : "true"));
    if (takesNext) i++;
  }
  return values;
}
