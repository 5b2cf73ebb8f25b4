import { generateKeyPairSync } from "node:crypto";
import { issueCertificate } from "../runtime/certificate.js";
import type { KeyPair } from "./certificates.js";

const COMMON_NAME = "Kubernetes Ingress Controller Fake Certificate";
const ORGANIZATIONS = ["Acme Co"];
const YEAR_MS = 365 * 24 * 3600 * 1000;

/** The self-signed certificate that ingress-nginx shows where it has no other. */
export function newFakeCertificate(nowMs: number, serial: Uint8Array): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const cert = issueCertificate(
    {
      commonName: COMMON_NAME,
      organizations: ORGANIZATIONS,
      names: ["ingress.local"],
      usages: ["server"],
      publicKey,
    },
    { commonName: COMMON_NAME, organizations: ORGANIZATIONS, privateKey },
    { serial, notBeforeMs: nowMs, notAfterMs: nowMs + YEAR_MS },
  );
  return { cert, key: privateKey.export({ type: "pkcs8", format: "pem" }).toString() };
}
