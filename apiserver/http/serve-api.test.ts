import { afterAll, expect, test } from "@jest/globals";
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request as httpsRequest, type RequestOptions } from "node:https";
import { connect as connectTls } from "node:tls";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type HttpHandler, readBody } from "../../machinery/api/http.js";
import { silentLogger } from "../../machinery/api/logger.js";
import { loadKubeconfig } from "../../machinery/runtime/kubeconfig.js";
import { ensurePki, loadPki } from "../../machinery/runtime/pki.js";
import { systemClock } from "../../machinery/runtime/system-clock.js";
import { isHotPath } from "./hot-path.js";
import { serveApi } from "./serve-api.js";

const dir = mkdtempSync(join(tmpdir(), "kubesim-edge-"));
const clusterAt = async (name: string) => {
  const at = join(dir, name);
  await ensurePki({
    dir: join(at, "pki"),
    credentialsDir: join(at, "credentials"),
    kubeconfig: join(at, "kubeconfig"),
    clusterName: name,
    server: "https://127.0.0.1:1",
    nodeNames: [],
  });
  const { cert, key } = loadKubeconfig(join(at, "kubeconfig"));
  return { pki: loadPki(join(at, "pki")), identity: { cert, key } };
};

const whoami: HttpHandler = {
  request: async ({ clientCertificate, clientCertificateError, body, path }) => ({
    status: 200,
    headers: { "content-type": "application/json" },
    body: Buffer.from(
      JSON.stringify({
        path,
        clientCertificate,
        clientCertificateError,
        length: (await readBody(body)).length,
      }),
    ),
  }),
  upgrade: async () => undefined,
};
const { pki, identity } = await clusterAt("ours");
const edge = serveApi({
  handler: whoami,
  clock: systemClock(),
  logger: silentLogger,
  tls: { ...pki.server, clientCa: pki.ca },
});
const port = await edge.listen(0, "127.0.0.1");
afterAll(async () => {
  await edge.close(100);
  rmSync(dir, { recursive: true, force: true });
});

async function ask(options: RequestOptions, body?: Uint8Array): Promise<{ status: number; body: unknown }> {
  const answer = await new Promise<import("node:http").IncomingMessage>((resolve, reject) => {
    httpsRequest({ host: "127.0.0.1", port, ca: pki.ca, path: "/api/v1/pods", ...options }, resolve)
      .on("error", reject)
      .end(body);
  });
  return { status: answer.statusCode ?? 0, body: JSON.parse(String(Buffer.from(await readBody(answer)))) };
}

test("a client certificate of the cluster's authority is handed on, also on a resumed session", async () => {
  const agent = new Agent({ keepAlive: false, maxCachedSessions: 10 });
  for (let i = 0; i < 3; i++) {
    expect((await ask({ ...identity, agent })).body).toMatchObject({
      clientCertificate: { commonName: "kubernetes-admin", organizations: ["system:masters"] },
    });
  }
});

test("a certificate of another authority, and none at all, are told apart", async () => {
  const other = await clusterAt("theirs");
  expect((await ask({ ...other.identity })).body).toMatchObject({
    clientCertificateError: expect.stringMatching(/UNABLE|SELF/),
  });
  expect((await ask({})).body).toEqual({ path: "/api/v1/pods", length: 0 });
});

test("what is not the API comes through Express and reaches the same pipeline", async () => {
  expect((await ask({ path: "/metrics?x=1", ...identity })).body).toMatchObject({
    path: "/metrics?x=1",
    clientCertificate: { commonName: "kubernetes-admin" },
  });
  const paths = ["/api/v1/pods", "/apis", "/readyz?verbose", "/version", "/metrics", "/", "/apiary"];
  expect(paths.map(isHotPath)).toEqual([true, true, true, true, false, false, false]);
});

test("a hundred megabytes are refused with 413, what is proxied has no limit", async () => {
  const body = Buffer.alloc(100_000_000);
  expect(await ask({ method: "POST" }, body)).toMatchObject({
    status: 413,
    body: { kind: "Status", reason: "RequestEntityTooLarge" },
  });
  const path = "/api/v1/namespaces/default/pods/web/proxy/upload";
  expect((await ask({ method: "POST", path }, body.subarray(0, 5_000_000))).body).toMatchObject({
    length: 5_000_000,
  });
});

test("stopping ends idle and stuck connections within the grace", async () => {
  const own = serveApi({
    handler: { ...whoami, request: () => new Promise(() => {}) },
    clock: systemClock(),
    logger: silentLogger,
    tls: { ...pki.server, clientCa: pki.ca },
  });
  const ownPort = await own.listen(0, "127.0.0.1");
  const socket = connectTls({ port: ownPort, host: "127.0.0.1", ca: pki.ca });
  const ended = new Promise((resolve) => socket.once("close", resolve));
  socket.on("error", () => {});
  await new Promise((resolve) => socket.once("secureConnect", resolve));
  socket.write("GET /api/v1/pods HTTP/1.1\r\nHost: x\r\n\r\n");
  await own.close(50);
  await ended;
});
