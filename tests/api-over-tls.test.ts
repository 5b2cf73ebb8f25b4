import { afterAll } from "@jest/globals";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { admissionPlugins } from "../apiserver/admission/plugins.js";
import { serveApi } from "../apiserver/http/serve-api.js";
import { allResources } from "../apiserver/registry/resources.js";
import { silentLogger } from "../machinery/api/logger.js";
import { httpTransport } from "../machinery/client/http-transport.js";
import { loadKubeconfig } from "../machinery/runtime/kubeconfig.js";
import { ensurePki, loadPki } from "../machinery/runtime/pki.js";
import { systemClock } from "../machinery/runtime/system-clock.js";
import { apiSuite } from "./conformance/api-suite.js";
import { inProcessApi } from "./testkit/in-process-api.js";

const dir = mkdtempSync(join(tmpdir(), "kubesim-api-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
await ensurePki({
  dir: join(dir, "pki"),
  credentialsDir: join(dir, "credentials"),
  kubeconfig: join(dir, "kubeconfig"),
  clusterName: "test",
  server: "https://127.0.0.1:1",
  nodeNames: [],
});
const pki = loadPki(join(dir, "pki"));
const { cert, key } = loadKubeconfig(join(dir, "kubeconfig"));

apiSuite("over TLS", async () => {
  const server = await inProcessApi(allResources(), { admission: admissionPlugins });
  const edge = serveApi({
    handler: server,
    clock: systemClock(),
    logger: silentLogger,
    tls: { ...pki.server, clientCa: pki.ca },
  });
  const port = await edge.listen(0, "127.0.0.1");
  const transport = httpTransport({ server: `https://127.0.0.1:${port}`, ca: pki.ca, cert, key });
  return {
    transport,
    async close() {
      transport.close();
      await server.stop();
      await edge.close(1000);
    },
  };
});
