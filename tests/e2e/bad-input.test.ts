import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { LiveCluster } from "../testkit/live-cluster.js";
import { loadKubeconfig } from "../../machinery/runtime/kubeconfig.js";

// Bad input gets a clear error of the kind Kubernetes gives, and changes nothing; the cluster goes on.

interface Answer {
  status: number;
  body: { reason?: string; message?: string; details?: { causes?: { field?: string; message?: string }[] } };
}

describe("bad input", () => {
  let cluster: LiveCluster;
  const folder = mkdtempSync(join(tmpdir(), "kubesim-input-"));
  const manifest = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };

  beforeAll(async () => {
    cluster = await LiveCluster.up("input", "--nodes", "1");
  }, 90_000);

  afterAll(async () => {
    await cluster.dispose();
    rmSync(folder, { recursive: true, force: true });
  }, 30_000);

  /** A request over the cluster's TLS, as administrator unless told otherwise. */
  function call(
    method: string,
    path: string,
    options: { body?: string | Buffer; headers?: Record<string, string>; anonymous?: boolean } = {},
  ): Promise<Answer> {
    const { server, ca, cert, key } = loadKubeconfig(cluster.kubeconfig);
    const identity = options.anonymous ? {} : { cert, key };
    return new Promise((resolve, reject) => {
      const sent = httpsRequest(
        `${server}${path}`,
        {
          method,
          ca,
          ...identity,
          agent: false,
          headers: { "content-type": "application/json", ...options.headers },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("end", () => {
            const text = Buffer.concat(chunks).toString("utf8");
            resolve({
              status: response.statusCode ?? 0,
              body: text.startsWith("{") ? (JSON.parse(text) as Answer["body"]) : {},
            });
          });
        },
      );
      sent.on("error", reject);
      sent.end(options.body);
    });
  }

  const configMaps = "/api/v1/namespaces/default/configmaps";
  const services = "/api/v1/namespaces/default/services";
  const service = (spec: object): string =>
    JSON.stringify({ apiVersion: "v1", kind: "Service", metadata: { name: "bad" }, spec });

  test("broken JSON is a 400 that says where", async () => {
    const { status, body } = await call("POST", configMaps, { body: '{"apiVersion":"v1",' });

    expect(status).toBe(400);
    expect(body.reason).toBe("BadRequest");
  });

  test("YAML that lost its indentation is told with its line and the likely cause", async () => {
    const path = manifest(
      "flat.yaml",
      "apiVersion: v1\nkind: Service\nmetadata:\nname: service-python\nspec:\nports:\n- port: 3000\n",
    );

    const { code, stderr } = await cluster.cli("apply", "-f", path);

    expect(code).toBe(1);
    expect(stderr).toContain(`line 4: "name: service-python" stands at the left margin`);
    expect(stderr).toContain('it belongs under "metadata"');
  });

  test("broken YAML is told with its line", async () => {
    const { code, stderr } = await cluster.cli(
      "apply",
      "-f",
      manifest("broken.yaml", "apiVersion: v1\nkind: [\n"),
    );

    expect(code).toBe(1);
    expect(stderr).toMatch(/error parsing .*broken\.yaml: error converting YAML to JSON: yaml: line \d+:/);
  });

  test("an unknown kind is named", async () => {
    const path = manifest("kind.yaml", "apiVersion: v1\nkind: Servise\nmetadata:\n  name: x\n");

    const { code, stderr } = await cluster.cli("apply", "-f", path);

    expect(code).toBe(1);
    expect(stderr).toContain('no matches for kind "Servise" in version "v1"');
  });

  test("an unknown field is an error with strict validation and a warning otherwise", async () => {
    const body = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"extra"},"dta":{}}';

    const strict = await call("POST", `${configMaps}?fieldValidation=Strict`, { body });
    expect(strict.status).toBe(400);
    expect(strict.body.message).toContain('strict decoding error: unknown field "dta"');
    expect((await call("GET", `${configMaps}/extra`)).status).toBe(404);

    expect((await call("POST", `${configMaps}?fieldValidation=Warn`, { body })).status).toBe(201);
  });

  test("a value of the wrong type is named in Go's words", async () => {
    const { status, body } = await call("POST", services, { body: service({ ports: [{ port: "eighty" }] }) });

    expect(status).toBe(400);
    expect(body.message).toContain(
      "json: cannot unmarshal string into Go struct field ServicePort.spec.ports.port of type int32",
    );
  });

  test.each([0, 70_000])("port %d is invalid", async (port) => {
    const { status, body } = await call("POST", services, {
      body: service({ ports: [{ port, targetPort: 80 }] }),
    });

    expect(status).toBe(422);
    expect(body.details?.causes).toContainEqual(
      expect.objectContaining({
        field: "spec.ports[0].port",
        message: `Invalid value: ${port}: must be between 1 and 65535, inclusive`,
      }),
    );
  });

  test("a node port outside the range, or taken, is refused", async () => {
    const withPort = (nodePort: number): string =>
      service({ type: "NodePort", ports: [{ port: 80, nodePort }] });

    expect((await call("POST", services, { body: withPort(29_999) })).body.message).toContain(
      "Invalid value: 29999: provided port is not in the valid range. The range of valid ports is 30000-32767",
    );
    const first = JSON.stringify({
      ...(JSON.parse(withPort(31_234)) as object),
      metadata: { name: "taker" },
    });
    expect((await call("POST", services, { body: first })).status).toBe(201);
    expect((await call("POST", services, { body: withPort(31_234) })).body.message).toContain(
      "Invalid value: 31234: provided port is already allocated",
    );
  });

  test("a selector that matches nothing gives a Service without endpoints, and a list without items", async () => {
    const quiet = JSON.stringify({
      ...(JSON.parse(service({ selector: { app: "nobody" }, ports: [{ port: 80 }] })) as object),
      metadata: { name: "quiet" },
    });
    expect((await call("POST", services, { body: quiet })).status).toBe(201);

    const { stdout, stderr, code } = await cluster.cli("get", "pods", "-l", "app=nobody");
    expect({ stdout, stderr, code }).toEqual({
      stdout: "",
      stderr: "No resources found in default namespace.\n",
      code: 0,
    });
  });

  test("a selector that is none is a 400", async () => {
    const { status, body } = await call("GET", `/api/v1/pods?labelSelector=${encodeURIComponent("a in b")}`);

    expect(status).toBe(400);
    expect(body.message).toContain("unable to parse requirement");
  });

  test("a body of 100 MB is a 413", async () => {
    const { status, body } = await call("POST", configMaps, {
      body: Buffer.alloc(100 * 1024 * 1024, 0x20),
    }).catch(
      // The server may close before all of it is sent.
      (err: NodeJS.ErrnoException) => ({
        status: err.code === "EPIPE" || err.code === "ECONNRESET" ? 413 : 0,
        body: {} as Answer["body"],
      }),
    );

    expect(status).toBe(413);
    expect(body.reason ?? "RequestEntityTooLarge").toBe("RequestEntityTooLarge");
  });

  test("nesting of 100,000 is a 400", async () => {
    const body = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"deep"},"data":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;

    expect((await call("POST", configMaps, { body })).status).toBe(400);
  });

  test("__proto__ is a key like any other and reaches no prototype", async () => {
    const body =
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"proto","labels":{"constructor":"x"}},"data":{"__proto__":"polluted"}}';

    const created = await call("POST", configMaps, { body });
    const read = await call("GET", `${configMaps}/proto`);

    expect(created.status).toBe(201);
    expect(JSON.stringify(read.body)).toContain('"__proto__":"polluted"');
    expect((await call("GET", `${configMaps}/kube-root-ca.crt`)).status).toBe(200);
  });

  test("no token is nobody, and a forged one is refused", async () => {
    const nobody = await call("GET", "/api/v1/pods", { anonymous: true });
    expect(nobody.status).toBe(403);
    expect(nobody.body.message).toBe(
      'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" at the cluster scope',
    );

    const forged = await call("GET", "/api/v1/pods", {
      anonymous: true,
      headers: { authorization: "Bearer e30.e30.e30" },
    });
    expect(forged.status).toBe(401);
    expect(forged.body).toMatchObject({ reason: "Unauthorized", message: "Unauthorized" });
  });

  test("files with keys are readable by their owner only", async () => {
    const { statSync } = await import("node:fs");
    const secret = ["kubeconfig", "cluster-token", "credentials/admin.kubeconfig", "pki/ca.key"];

    expect(secret.map((path) => (statSync(join(cluster.dataDir, path)).mode & 0o777).toString(8))).toEqual([
      "600",
      "600",
      "600",
      "600",
    ]);
    expect(readFileSync(cluster.kubeconfig, "utf8")).toContain("https://127.0.0.1:");
  });

  test("after all of it the cluster still works", async () => {
    const { processes } = await cluster.status();

    expect(processes.every(({ ready, restarts }) => ready && restarts === 0)).toBe(true);
    expect((await cluster.cli("create", "configmap", "fine", "--from-literal=a=b")).stdout).toBe(
      "configmap/fine created\n",
    );
  });
});
