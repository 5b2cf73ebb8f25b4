import { admissionPlugins } from "../apiserver/admission/plugins.js";
import { ApiServer } from "../apiserver/api-server.js";
import { builtinPolicies } from "../apiserver/auth/builtin-policies.js";
import { PolicyAuthorizer } from "../apiserver/auth/policy-authorizer.js";
import { RequestAuthenticator } from "../apiserver/auth/request-authenticator.js";
import { ServiceAccountTokens } from "../apiserver/auth/service-account-tokens.js";
import { bootstrap } from "../apiserver/bootstrap.js";
import { Discovery } from "../apiserver/discovery/discovery.js";
import { BuiltinSchemas } from "../apiserver/openapi/builtin-schemas.js";
import { OpenApi } from "../apiserver/openapi/openapi.js";
import type { KubeletDialer } from "../apiserver/registry/kubelet-dialer.js";
import type { PortAllocator } from "../apiserver/registry/allocators/port-allocator.js";
import { allResources } from "../apiserver/registry/resources.js";
import type { Storage } from "../apiserver/storage/storage.js";
import type { Clock } from "../machinery/api/clock.js";
import type { Logger } from "../machinery/api/logger.js";
import type { Rng, Secrets } from "../machinery/api/rng.js";
import { built, type Parts } from "./parts.js";

export const API_SERVER_ADDRESS = { ip: "172.18.0.2", port: 6443 };

export interface ControlPlaneOptions {
  storage: Storage;
  clock: Clock;
  rng: Rng;
  secrets: Secrets;
  logger: Logger;
  kubelets: KubeletDialer;
  nodePorts: PortAllocator;
  /** A replica: another server writes what must be there. */
  follows?: boolean;
  part?: Parts["apiServer"];
}

/** The same for every simulated server of this process: slow to make. */
const schemas = new BuiltinSchemas();
/** A fixture: what it signs is the same in every process and on every machine. It protects nothing. */
const SIGNING_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgL1CQtHwbZ1DeVwDF
bxTR1ROge6QdXIBD7xq3l/qnSJKhRANCAARAp+xGej8Vc8Vn38K95igtIpwAN1T4
5V70/rwhNd5Ocnb7o/dPEg7kzUW78pgquRrSHjlXhFTVay3FQzeRfamO
-----END PRIVATE KEY-----
`;

/** An API server over a store, put together as its `main` does, without sockets. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ApiServer> {
  const { storage, clock, rng, secrets, logger, kubelets, nodePorts } = options;
  const authorizer = new PolicyAuthorizer(builtinPolicies);
  const tokens = new ServiceAccountTokens({ key: SIGNING_KEY, clock, secrets });
  const server = new ApiServer(
    built(options.part, {
      storage,
      clock,
      rng,
      secrets,
      logger,
      authenticator: new RequestAuthenticator({ tokens: [tokens], authorizer }),
      authorizer,
      kubelets,
      schemas,
      resources: allResources({ tokens, nodePorts }),
      admission: admissionPlugins,
    }),
  );
  const resources = () => server.resources;
  const discovery = new Discovery({
    resources,
    serverAddress: `${API_SERVER_ADDRESS.ip}:${API_SERVER_ADDRESS.port}`,
  });
  const openApi = new OpenApi({ resources, version: "v1.36.0" });
  server.mount((request) => discovery.handle(request) ?? openApi.handle(request));
  if (!options.follows)
    await bootstrap({ store: (descriptor) => server.store(descriptor), address: API_SERVER_ADDRESS });
  await server.start();
  return server;
}
