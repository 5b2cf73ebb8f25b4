import { afterAll, expect, test } from "@jest/globals";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readBody } from "../machinery/api/http.js";
import { silentLogger } from "../machinery/api/logger.js";
import { adminCall } from "../machinery/runtime/admin-server.js";
import { ownPid } from "../machinery/runtime/host.js";
import { loadKubeconfig } from "../machinery/runtime/kubeconfig.js";
import { ensurePki } from "../machinery/runtime/pki.js";
import { parseApiServerOptions } from "./options.js";
import { type RunningApiServer, startApiServer } from "./process.js";

const dir = mkdtempSync(join(tmpdir(), "kubesim-apiserver-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const start = (name: string, ...more: string[]): Promise<RunningApiServer> =>
  startApiServer(
    parseApiServerOptions([
      "--data-dir",
      join(dir, name),
      "--secure-port",
      "0",
      "--durability",
      "relaxed",
      ...more,
    ]),
    silentLogger,
  );

async function as(
  server: RunningApiServer,
  name: string,
  method: string,
  path: string,
  body?: object,
): Promise<{ status: number; text: string }> {
  await ensurePki({
    dir: join(dir, name, "pki"),
    credentialsDir: join(dir, name, "credentials"),
    kubeconfig: join(dir, name, "kubeconfig"),
    clusterName: name,
    server: server.address,
    nodeNames: [],
  });
  const { ca, cert, key } = loadKubeconfig(join(dir, name, "kubeconfig"));
  const answer = await new Promise<import("node:http").IncomingMessage>((resolve, reject) => {
    httpsRequest(
      `${server.address}${path}`,
      { method, ca, cert, key, agent: false, headers: { "content-type": "application/json" } },
      resolve,
    )
      .on("error", reject)
      .end(body && JSON.stringify(body));
  });
  return { status: answer.statusCode ?? 0, text: String(Buffer.from(await readBody(answer))) };
}

test("an API server keeps what it acknowledged from one run to the next", async () => {
  const first = await start("kept");
  const map = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" }, data: { x: "y" } };
  const path = "/api/v1/namespaces/default/configmaps";
  expect((await as(first, "kept", "POST", path, map)).status).toBe(201);
  const service = await as(first, "kept", "GET", "/api/v1/namespaces/default/services/kubernetes");
  expect(JSON.parse(service.text).spec.clusterIP).toBe("10.96.0.1");
  await first.stop();

  const second = await start("kept");
  const again = await as(second, "kept", "GET", `${path}/a`);
  expect(JSON.parse(again.text)).toMatchObject({ data: { x: "y" } });
  expect((await as(second, "kept", "GET", "/readyz")).text).toBe("ok");
  await second.stop();
});

test("a second API server on the same data directory is told who owns it", async () => {
  const first = await start("owned");
  await expect(start("owned")).rejects.toThrow(
    `${join(dir, "owned", "kubesim.db")} is in use by process ${ownPid()} (${first.address})`,
  );
  await first.stop();
});

test("a data directory that is a file and a port in use are one line each, and nothing stays open", async () => {
  writeFileSync(join(dir, "file"), "");
  await expect(start("file")).rejects.toThrow(`data directory ${join(dir, "file")} is a file`);
  const first = await start("one");
  const port = new URL(first.address).port;
  await expect(start("two", "--secure-port", port)).rejects.toThrow(
    `address 127.0.0.1:${port} is already in use`,
  );
  await (await start("two")).stop();
  await first.stop();
});

test("metrics carry the real names, on the API and on the admin socket; health tells the port", async () => {
  const socket = join(dir, "admin.sock");
  const server = await start("metrics", "--admin-socket", socket);
  await as(server, "metrics", "GET", "/api/v1/nodes");
  const { text } = await as(server, "metrics", "GET", "/metrics");
  expect(text).toContain(
    'apiserver_request_total{code="200",component="apiserver",dry_run="",group="",resource="nodes",scope="cluster",subresource="",verb="LIST",version="v1"} 1',
  );
  expect(text).toMatch(/^etcd_request_duration_seconds_count\{operation="commit",type="\*"\} \d+$/m);
  expect(text).toMatch(/^process_resident_memory_bytes \d+$/m);
  expect(await adminCall(socket, "GET", "/metrics")).toContain("apiserver_storage_objects");
  expect(await adminCall(socket, "GET", "/health")).toEqual({
    ready: true,
    port: Number(new URL(server.address).port),
  });
  await server.stop();
});

test("a ServiceAccount finds the keys that check its tokens", async () => {
  const server = await start("openid");
  const { text } = await as(server, "openid", "GET", "/openid/v1/jwks");
  expect(JSON.parse(text).keys).toMatchObject([{ kty: "EC", crv: "P-256", alg: "ES256", use: "sig" }]);
  const { text: about } = await as(server, "openid", "GET", "/.well-known/openid-configuration");
  expect(JSON.parse(about).issuer).toBe("https://kubernetes.default.svc.cluster.local");
  await server.stop();
});
