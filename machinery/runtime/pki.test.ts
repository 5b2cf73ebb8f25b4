import { afterAll, expect, test } from "@jest/globals";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { KubeconfigError, loadKubeconfig } from "./kubeconfig.js";
import { ensurePki, loadPki, type PkiOptions } from "./pki.js";

const dir = mkdtempSync(join(tmpdir(), "kubesim-pki-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const options = (name: string): PkiOptions => ({
  dir: join(dir, name, "pki"),
  credentialsDir: join(dir, name, "credentials"),
  kubeconfig: join(dir, name, "kubeconfig"),
  clusterName: "kubesim-test",
  server: "https://127.0.0.1:6443",
  nodeNames: ["node-1", "node-2"],
});

test("a cluster gets an authority, a server certificate with its names, and a credential each", async () => {
  await ensurePki(options("new"));
  const pki = loadPki(options("new").dir);
  const ca = new X509Certificate(pki.ca);
  const server = new X509Certificate(pki.server.cert);
  expect(ca.ca).toBe(true);
  expect(server.checkIssued(ca) && server.verify(ca.publicKey)).toBe(true);
  for (const name of ["kubernetes.default.svc.cluster.local", "localhost"])
    expect(server.checkHost(name)).toBe(name);
  for (const ip of ["127.0.0.1", "10.96.0.1", "172.18.0.2"]) expect(server.checkIP(ip)).toBe(ip);
  const node = loadKubeconfig(join(dir, "new", "credentials", "node-node-2.kubeconfig"));
  expect(new X509Certificate(node.cert ?? "").subject).toBe("O=system:nodes\nCN=system:node:node-2");
  expect(statSync(join(options("new").dir, "ca.key")).mode & 0o777).toBe(0o600);
  expect(statSync(options("new").kubeconfig).mode & 0o777).toBe(0o600);
});

test("a server on IPv6 first is called by an IPv6 address, and keeps its certificate", async () => {
  const six = { ...options("six"), serviceIp: "fd00:10:96::1" };
  await ensurePki(six);
  const { cert } = loadPki(six.dir).server;
  expect(new X509Certificate(cert).checkIP("fd00:10:96::1")).toBe("fd00:10:96::1");
  await ensurePki(six);
  expect(loadPki(six.dir).server.cert).toBe(cert);
});

test("what exists is kept; a new address of the server changes the kubeconfigs alone", async () => {
  await ensurePki(options("kept"));
  const before = loadPki(options("kept").dir);
  const admin = loadKubeconfig(options("kept").kubeconfig);
  await ensurePki({ ...options("kept"), server: "https://127.0.0.1:7000", nodeNames: ["node-3"] });
  expect(loadPki(options("kept").dir)).toEqual(before);
  expect(loadKubeconfig(options("kept").kubeconfig)).toEqual({ ...admin, server: "https://127.0.0.1:7000" });
});

test("client and server accept each other's certificates over TLS", async () => {
  await ensurePki(options("tls"));
  const pki = loadPki(options("tls").dir);
  const server = createServer(
    { ...pki.server, ca: pki.ca, requestCert: true, rejectUnauthorized: true },
    (incoming, response) => response.end((incoming.socket as TLSSocket).getPeerCertificate().subject.O),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { ca, cert, key } = loadKubeconfig(options("tls").kubeconfig);
  const { port } = server.address() as AddressInfo;
  const group = await new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", port, ca, cert, key, agent: false }, (answer) =>
      answer.on("data", (chunk) => resolve(String(chunk))),
    )
      .on("error", reject)
      .end();
  });
  expect(group).toBe("system:masters");
  await new Promise((resolve) => server.close(resolve));
});

test("a kubeconfig that is missing or names an unknown context says so", () => {
  expect(() => loadKubeconfig(join(dir, "none"))).toThrow(
    new KubeconfigError(`kubeconfig ${join(dir, "none")} does not exist`),
  );
  expect(() => loadKubeconfig(options("tls").kubeconfig, "other")).toThrow('context "other" does not exist');
  expect(readFileSync(options("tls").kubeconfig, "utf8")).toContain(
    "current-context: kubernetes-admin@kubesim-test",
  );
});
