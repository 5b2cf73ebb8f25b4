import { ApiServer, type ApiServerOptions } from "../../apiserver/api-server.js";
import { BuiltinSchemas } from "../../apiserver/openapi/builtin-schemas.js";
import type { ServedResource } from "../../apiserver/registry/serve.js";
import { memoryStorage } from "../../apiserver/storage/memory-storage.js";
import { type Namespace, namespaces } from "../../machinery/api/core-v1.js";
import { silentLogger } from "../../machinery/api/logger.js";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import { systemClock } from "../../machinery/runtime/system-clock.js";
import { systemSecrets } from "../../machinery/runtime/system-secrets.js";

const schemas = new BuiltinSchemas();
const admin = { name: "admin", groups: ["system:masters", "system:authenticated"] };

/** An API server over memory in which everyone is an administrator and no kubelet answers; with namespace `default`. */
export async function inProcessApi(
  resources: readonly ServedResource[],
  options: Partial<ApiServerOptions> = {},
): Promise<ApiServer> {
  const server = new ApiServer({
    storage: memoryStorage(),
    clock: systemClock(),
    rng: seededRng(1),
    secrets: systemSecrets(),
    logger: silentLogger,
    schemas,
    kubelets: {
      to: (node) => {
        throw new RangeError(`no kubelet on ${node}`);
      },
    },
    authenticator: { authenticate: () => admin },
    authorizer: {
      authorize: () => ({ allowed: true }),
      rulesFor: () => ({ resourceRules: [], nonResourceRules: [], incomplete: false }),
    },
    resources,
    ...options,
  });
  const servesNamespaces = resources.some(({ descriptor }) => descriptor.plural === "namespaces");
  if (servesNamespaces && !server.lookup.get(namespaces, undefined, "default"))
    await server.store(namespaces).create(aNamespace("default"), { user: admin, dryRun: false });
  await server.start();
  return server;
}

const aNamespace = (name: string): Namespace => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name, uid: "", resourceVersion: "", creationTimestamp: "" },
  spec: {},
  status: { phase: "Active" },
});
