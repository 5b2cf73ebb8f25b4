import { readFileSync } from "node:fs";
import { networkTransport } from "../machinery/network/edge/network-transport.js";
import type { Network } from "../machinery/network/network.js";
import { admissionPlugins } from "./admission/plugins.js";
import { builtinPolicies } from "./auth/builtin-policies.js";
import { openIdMount } from "./auth/openid.js";
import { PolicyAuthorizer } from "./auth/policy-authorizer.js";
import { RequestAuthenticator, type TokenAuthenticator } from "./auth/request-authenticator.js";
import { ServiceAccountTokens, type TokenBinding } from "./auth/service-account-tokens.js";
import { StaticTokens } from "./auth/static-tokens.js";
import { Discovery } from "./discovery/discovery.js";
import { SERVER_VERSION } from "./handlers/version.js";
import { NodeKubeletDialer } from "./http/node-kubelet-dialer.js";
import { BuiltinSchemas } from "./openapi/builtin-schemas.js";
import { OpenApi } from "./openapi/openapi.js";
import type { Lookup } from "./registry/serve.js";
import { allResources } from "./registry/resources.js";
import type { Clock } from "../machinery/api/clock.js";
import { nodes, pods, serviceAccounts } from "../machinery/api/core-v1.js";
import type { Logger } from "../machinery/api/logger.js";
import type { Rng } from "../machinery/api/rng.js";
import type { Pki } from "../machinery/runtime/pki.js";
import { systemSecrets } from "../machinery/runtime/system-secrets.js";
import { ApiServer } from "./api-server.js";
import { DataDirError } from "./data-dir.js";
import type { ApiServerMetrics } from "./metrics.js";
import type { ApiServerProcessOptions } from "./options.js";
import type { PortAllocator } from "./registry/allocators/port-allocator.js";
import type { StorageEngine } from "./storage/engine.js";
import { VIRTUAL_ADDRESS } from "./virtual-host.js";

export interface ServerParts {
  options: ApiServerProcessOptions;
  logger: Logger;
  clock: Clock;
  rng: Rng;
  storage: StorageEngine;
  pki: Pki;
  metrics: ApiServerMetrics;
  host: Network;
  nodePorts: PortAllocator;
}

/** The server over its store, with everything that answers requests; started by whoever made it. */
export function newServer(parts: ServerParts): ApiServer {
  const { options, logger, clock, rng, storage, pki, metrics, host, nodePorts } = parts;
  const secrets = systemSecrets();
  const authorizer = new PolicyAuthorizer(builtinPolicies);
  const tokens = new ServiceAccountTokens({
    key: pki.serviceAccountKey,
    clock,
    secrets,
    isLive: (binding) => isLive(server.lookup, binding),
  });
  const server = new ApiServer({
    storage,
    clock,
    rng,
    secrets,
    logger,
    authenticator: new RequestAuthenticator({ tokens: [tokens, ...staticTokens(options)], authorizer }),
    authorizer,
    kubelets: new NodeKubeletDialer({
      network: host,
      nodeNamed: (name) => server.lookup.get(nodes, undefined, name),
      tls: pki.kubeletClient,
    }),
    schemas: new BuiltinSchemas(),
    resources: allResources({
      ranges: {
        clusterIps: options.serviceClusterIpRange,
        nodePorts: options.serviceNodePortRange,
      },
      nodePorts,
      tokens,
      dial: (to, { tls }) => networkTransport({ network: host, to, clock, ...(tls ? { tls: {} } : {}) }),
    }),
    admission: admissionPlugins,
    observe: (observation) => metrics.observe(observation),
  });
  const discovery = new Discovery({
    resources: () => server.resources,
    serverAddress: `${VIRTUAL_ADDRESS.ip}:${VIRTUAL_ADDRESS.port}`,
  });
  const openApi = new OpenApi({ resources: () => server.resources, version: SERVER_VERSION.gitVersion });
  server.mount((request) => discovery.handle(request));
  server.mount((request) => openApi.handle(request));
  server.mount((request) => metrics.answer(request));
  server.mount(openIdMount(tokens, `https://${VIRTUAL_ADDRESS.ip}:${VIRTUAL_ADDRESS.port}`));
  return server;
}

/** A token ends with its ServiceAccount and with the pod it was made for, whatever its time says. */
function isLive(lookup: Lookup, { namespace, serviceAccount, pod }: TokenBinding): boolean {
  if (lookup.get(serviceAccounts, namespace, serviceAccount.name)?.metadata.uid !== serviceAccount.uid)
    return false;
  return !pod || lookup.get(pods, namespace, pod.name)?.metadata.uid === pod.uid;
}

function staticTokens({ tokenAuthFile }: ApiServerProcessOptions): TokenAuthenticator[] {
  if (!tokenAuthFile) return [];
  try {
    return [new StaticTokens(readFileSync(tokenAuthFile, "utf8"))];
  } catch (err) {
    throw new DataDirError(`${tokenAuthFile}: ${(err as Error).message}`);
  }
}
