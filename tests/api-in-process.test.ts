import { admissionPlugins } from "../apiserver/admission/plugins.js";
import { allResources } from "../apiserver/registry/resources.js";
import { directTransport } from "../machinery/client/direct-transport.js";
import { apiSuite } from "./conformance/api-suite.js";
import { inProcessApi } from "./testkit/in-process-api.js";

apiSuite("in process", async () => {
  const server = await inProcessApi(allResources(), { admission: admissionPlugins });
  return { transport: directTransport(server), close: () => server.stop() };
});
