import { expect, test } from "@jest/globals";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { type HttpHandler, readBody } from "../../machinery/api/http.js";
import { silentLogger } from "../../machinery/api/logger.js";
import { ensurePki, loadPki } from "../../machinery/runtime/pki.js";
import { systemClock } from "../../machinery/runtime/system-clock.js";
import { serveApi } from "./serve-api.js";

const SIZE = 30_000;
const REQUESTS = 300;

/** A client with an event loop of its own, or it could not be faster than the server's socket. */
const CLIENT = `
const { Agent, request } = require("node:https");
const { parentPort, workerData: { port, ca, size, count } } = require("node:worker_threads");
const agent = new Agent({ keepAlive: true, ca });
const put = () => new Promise((resolve) => {
  const call = request({ host: "127.0.0.1", port, method: "PUT", path: "/api/v1/pods", agent, headers: { "content-length": size } });
  call.on("response", (answer) => answer.resume().on("end", () => resolve(0)));
  call.on("error", () => resolve(1));
  call.end(Buffer.alloc(size));
});
(async () => {
  let broken = 0;
  for (let i = 0; i < count; i++) broken += await put();
  agent.destroy();
  parentPort.postMessage(broken);
})();
`;

test("a connection that carries large requests and answers one after the other is never broken off", async () => {
  const dir = mkdtempSync(join(tmpdir(), "kubesim-large-"));
  await ensurePki({
    dir: join(dir, "pki"),
    credentialsDir: join(dir, "credentials"),
    kubeconfig: join(dir, "kubeconfig"),
    clusterName: "large",
    server: "https://127.0.0.1:1",
    nodeNames: [],
  });
  const pki = loadPki(join(dir, "pki"));
  const clock = systemClock();
  const handler: HttpHandler = {
    async request({ body }) {
      await readBody(body);
      await clock.sleep(1);
      return { status: 200, headers: {}, body: Buffer.alloc(SIZE) };
    },
    upgrade: async () => undefined,
  };
  const edge = serveApi({ handler, clock, logger: silentLogger, tls: { ...pki.server, clientCa: pki.ca } });
  const port = await edge.listen(0, "127.0.0.1");
  const worker = new Worker(CLIENT, {
    eval: true,
    workerData: { port, ca: pki.ca, size: SIZE, count: REQUESTS },
  });
  try {
    const [broken] = (await once(worker, "message")) as [number];
    expect(broken).toBe(0);
  } finally {
    await worker.terminate();
    await edge.close(100);
    rmSync(dir, { recursive: true, force: true });
  }
});
