import { configMapResource } from "../apiserver/registry/configmaps/resource.js";
import { deploymentResource } from "../apiserver/registry/deployments/resource.js";
import { namespaceResource } from "../apiserver/registry/namespaces/resource.js";
import { podResource } from "../apiserver/registry/pods/resource.js";
import type { ServedResource } from "../apiserver/registry/serve.js";
import { directTransport } from "../machinery/client/direct-transport.js";
import { apiSuite } from "./conformance/api-suite.js";
import { inProcessApi } from "./testkit/in-process-api.js";

const resources = [
  configMapResource,
  deploymentResource,
  namespaceResource,
  podResource,
] as unknown as ServedResource[];

apiSuite("in process", async () => {
  const server = await inProcessApi(resources);
  return { transport: directTransport(server), close: () => server.stop() };
});
