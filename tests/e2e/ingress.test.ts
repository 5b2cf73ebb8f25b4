import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test as anyTest } from "@jest/globals";
import { issueCertificate } from "../../machinery/runtime/certificate.js";
import { eventually, haveKubectl, LiveCluster, run } from "../testkit/live-cluster.js";

// Real processes, real curl, through the emulated ingress-nginx.

const test = haveKubectl ? anyTest : anyTest.skip;
let cluster: LiveCluster;
let directory: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "kubesim-ingress-"));
  cluster = await LiveCluster.up("ingress", "--ingress", "-f", "manifests/examples/09-ingress.yaml");
}, 90_000);

afterAll(async () => {
  await cluster.dispose();
  rmSync(directory, { recursive: true, force: true });
}, 30_000);

const urlOf = async (port: "http" | "https"): Promise<URL> =>
  new URL(await cluster.nodePortUrl(`ingress-nginx/ingress-nginx-controller:${port}`));

async function curl(...args: string[]): Promise<string> {
  return (await run("curl", ["-s", "-m", "10", ...args])).stdout;
}

test("hosts and paths lead to their Services, and kubectl shows it as a real cluster's", async () => {
  const url = await urlOf("http");
  const shop = (path: string): Promise<string> => curl("-H", "Host: shop.example", new URL(path, url).href);

  await eventually(async () => (await shop("/")) === "the shop\n");
  expect(await shop("/api/x?y=1")).toContain("GET /api/x?y=1 HTTP/1.1\nHost: shop.example\n");
  expect(await curl("-o", "/dev/null", "-w", "%{http_code}", url.href)).toBe("404");
  await eventually(async () =>
    /localhost +80 /.test((await cluster.kubectl("get", "ingress", "shop")).stdout),
  );
  const described = (await cluster.kubectl("describe", "ingress", "shop")).stdout;
  expect(described).toMatch(/^Address: +localhost$/m);
  expect(described).toMatch(/^Ingress Class: +nginx$/m);
  expect(described).toMatch(/\/api +api:8080 \([\d.]+:80,[\d.]+:80\)$/m);
  expect(described).toMatch(/Normal +Sync +\S+.* nginx-ingress-controller +Scheduled for sync$/m);
}, 60_000);

test("a certificate from a Secret is shown to whoever asks for its host, and its successor at once", async () => {
  const url = await urlOf("https");
  const [key, crt] = [join(directory, "tls.key"), join(directory, "tls.crt")];
  const renew = async (): Promise<void> => {
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const subject = {
      commonName: "secure.example",
      names: ["secure.example"],
      usages: ["server"] as const,
      publicKey,
    };
    const validity = {
      serial: Buffer.from([1]),
      notBeforeMs: Date.now() - 60_000,
      notAfterMs: Date.now() + 3_600_000,
    };
    writeFileSync(crt, issueCertificate(subject, { commonName: "secure.example", privateKey }, validity));
    writeFileSync(key, privateKey.export({ type: "pkcs8", format: "pem" }));
    const secret = [
      "create",
      "secret",
      "tls",
      "secure",
      "--cert",
      crt,
      "--key",
      key,
      "--dry-run=client",
      "-o",
      "yaml",
    ];
    await cluster.kubectlWith((await cluster.kubectl(...secret)).stdout, "apply", "-f", "-");
  };
  const ask = (): Promise<string> =>
    curl(
      "--cacert",
      crt,
      "--resolve",
      `secure.example:${url.port}:127.0.0.1`,
      `https://secure.example:${url.port}/`,
    );

  await renew();
  const created = await cluster.kubectl(
    "create",
    "ingress",
    "secure",
    "--class=nginx",
    "--rule=secure.example/*=api:8080,tls=secure",
  );
  expect(created.stdout).toBe("ingress.networking.k8s.io/secure created\n");
  await eventually(async () => (await ask()).includes("X-Forwarded-Proto: https"));
  await renew();
  await eventually(async () => (await ask()).includes("X-Forwarded-Proto: https"));
  const plain = await curl("-i", "-H", "Host: secure.example", `${(await urlOf("http")).href}a?b`);
  expect(plain).toContain("HTTP/1.1 308 Permanent Redirect");
  expect(plain).toContain("Location: https://secure.example/a?b\r\n");
  expect((await cluster.kubectl("get", "ingress", "secure")).stdout).toMatch(/80, 443/);
}, 60_000);

test("an Ingress of a class that nobody serves gets no address; one that is taken away is a 404", async () => {
  const url = await urlOf("http");
  await cluster.kubectl(
    "create",
    "ingress",
    "foreign",
    "--class=traefik",
    "--rule=foreign.example/*=shop:80",
  );
  await cluster.kubectl("create", "ingress", "mine", "--class=nginx", "--rule=mine.example/*=shop:80");
  const statusOf = (host: string): Promise<string> =>
    curl("-o", "/dev/null", "-w", "%{http_code}", "-H", `Host: ${host}`, url.href);

  await eventually(async () => (await statusOf("mine.example")) === "200");
  expect(await statusOf("foreign.example")).toBe("404");
  expect(
    (await cluster.kubectl("get", "ingress", "foreign", "-o", "jsonpath={.status.loadBalancer}")).stdout,
  ).toBe("{}");
  await cluster.kubectl("delete", "ingress", "mine");
  await eventually(async () => (await statusOf("mine.example")) === "404");
}, 60_000);
