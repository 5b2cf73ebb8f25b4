import { generateKeyPairSync } from "node:crypto";
import type { SecureContext } from "node:tls";
import { expect, test } from "@jest/globals";
import type { Secret } from "../api/core-v1.js";
import { issueCertificate } from "../runtime/certificate.js";
import type { KeyPair } from "./certificates.js";
import { HostCertificates } from "./host-certificates.js";
import { Router } from "./router.js";

function aPair(host: string): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const cert = issueCertificate(
    { commonName: host, names: [host], usages: ["server"], publicKey },
    { commonName: host, privateKey },
    { serial: Buffer.from([1]), notBeforeMs: 1.7e12, notAfterMs: 4e12 },
  );
  return { cert, key: privateKey.export({ type: "pkcs8", format: "pem" }).toString() };
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const aSecret = (resourceVersion: string, data: Record<string, string>): Secret =>
  ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "tls", namespace: "default", uid: "1", resourceVersion },
    type: "kubernetes.io/tls",
    data,
  }) as Secret;
const tlsSecret = (resourceVersion: string, { cert, key }: KeyPair): Secret =>
  aSecret(resourceVersion, { "tls.crt": base64(cert), "tls.key": base64(key) });

function aStore() {
  const router = new Router();
  router.set({ host: "a.example", routes: [], tls: { secret: "default/tls" } });
  router.set({ host: "*.wild.example", routes: [], tls: { secret: "default/tls" } });
  const secrets = new Map<string, Secret>();
  const problems: string[] = [];
  const fake: KeyPair = { cert: "fake", key: "fake" };
  const certificates = new HostCertificates({
    router,
    secret: (key) => secrets.get(key),
    // The pair itself stands for what TLS would make of it.
    toContext: (pair) => {
      if (pair.key === "broken") throw new Error("no key");
      return pair as unknown as SecureContext;
    },
    defaultPair: () => fake,
    onProblem: (message) => problems.push(message),
  });
  const shown = (name: string | undefined) => certificates.contextFor(name) as unknown as KeyPair;
  return { secrets, problems, fake, shown };
}

test("a host shows the certificate of its Secret, a new one as soon as the Secret has changed", () => {
  const { secrets, fake, shown, problems } = aStore();
  const [first, second] = [aPair("a.example"), aPair("a.example")];
  secrets.set("default/tls", tlsSecret("1", first));
  expect(shown("A.example")).toEqual(first);
  secrets.set("default/tls", tlsSecret("2", second));
  expect(shown("a.example")).toEqual(second);
  expect(shown("b.example")).toBe(fake);
  expect(shown(undefined)).toBe(fake);
  expect(problems).toEqual([]);
});

test("a wildcard certificate serves the hosts of its wildcard", () => {
  const { secrets, shown } = aStore();
  const pair = aPair("*.wild.example");
  secrets.set("default/tls", tlsSecret("1", pair));
  expect(shown("x.wild.example")).toEqual(pair);
});

test("a Secret that is missing, broken or for another host gives the default certificate and a warning", () => {
  const { secrets, fake, shown, problems } = aStore();
  expect(shown("a.example")).toBe(fake);
  expect(problems.pop()).toBe(
    'Error getting SSL certificate "default/tls": local SSL certificate default/tls was not found. Using default certificate',
  );
  secrets.set("default/tls", aSecret("1", { "tls.crt": base64("x") }));
  expect(shown("a.example")).toBe(fake);
  expect(problems.pop()).toContain(`key 'tls.key' missing from Secret "default/tls"`);
  secrets.set("default/tls", tlsSecret("2", { cert: "x", key: "broken" }));
  expect(shown("a.example")).toBe(fake);
  expect(problems.pop()).toContain("unexpected error creating SSL Cert: no key");
  secrets.set("default/tls", tlsSecret("3", aPair("other.example")));
  expect(shown("a.example")).toBe(fake);
  expect(problems.pop()).toContain(
    'does not contain a Common Name or Subject Alternative Name for server "a.example"',
  );
});
