import type { DiscoveredResource, DiscoveredSubresource } from "../discovery/groups.js";
import { capitalized, type Naming, withArticle } from "./naming.js";
import {
  ANYTHING,
  createOperation,
  OBJECTS,
  objectOperations,
  type Operation,
  type PathItem,
} from "./operation.js";
import {
  LOG_PARAMETERS,
  nameOf,
  OPTIONS_PARAMETERS,
  type Parameter,
  PRETTY,
  REST_OF_PATH,
  scopeParameters,
} from "./parameters.js";

export function subresourcePaths(
  naming: Naming,
  resource: DiscoveredResource,
  subresource: DiscoveredSubresource,
  path: string,
): PathItem[] {
  const { name, gvk, verbs } = subresource;
  const suffix = capitalized(name);
  const own = [nameOf(gvk.kind), ...scopeParameters(resource)];
  if (gvk.kind.endsWith("Options")) return connectPaths(naming, subresource, path, own);
  if (name === "log") return [logPath(naming, subresource, path, own)];
  const operations = objectOperations(naming, verbs, gvk, suffix, `${name} of the specified ${naming.kind}`);
  if (verbs.includes("create"))
    operations.push({
      ...createOperation(naming, gvk),
      id: naming.object("create", suffix),
      description: `create ${name} of ${withArticle(naming.kind)}`,
    });
  return [{ path, parameters: [...own, PRETTY], operations }];
}

function logPath(naming: Naming, { gvk }: DiscoveredSubresource, path: string, own: Parameter[]): PathItem {
  const operation: Operation = {
    method: "get",
    id: naming.object("read", "Log"),
    description: `read log of the specified ${naming.kind}`,
    action: "get",
    gvk,
    tag: naming.tag,
    parameters: [],
    answers: [[200, undefined]],
    produces: ["text/plain", ...OBJECTS],
  };
  return { path, parameters: [...own, ...LOG_PARAMETERS], operations: [operation] };
}

const PROXY_METHODS = ["delete", "get", "head", "options", "patch", "post", "put"] as const;

/** Subresources that hand the connection over: exec, attach, portforward, proxy. */
function connectPaths(
  naming: Naming,
  { name, gvk }: DiscoveredSubresource,
  path: string,
  own: readonly Parameter[],
): PathItem[] {
  const proxy = name === "proxy";
  const methods = proxy ? PROXY_METHODS : (["get", "post"] as const);
  const item = (suffix: string, at: string, parameters: readonly Parameter[]): PathItem => ({
    path: at,
    parameters,
    operations: methods.map((method) => ({
      method,
      id: naming.id("connect", `${capitalized(method)}${naming.scope}${naming.kind}${suffix}`),
      description: `connect ${method.toUpperCase()} requests to ${name} of ${naming.kind}`,
      action: "connect",
      gvk,
      tag: naming.tag,
      parameters: [],
      answers: [[200, undefined]] as const,
      produces: ANYTHING,
    })),
  });
  const options = OPTIONS_PARAMETERS[gvk.kind] ?? [];
  const plain = item(capitalized(name), path, [...own, ...options]);
  if (!proxy) return [plain];
  return [plain, item("ProxyWithPath", `${path}/{path}`, [...own, REST_OF_PATH, ...options])];
}
