import { X509Certificate } from "node:crypto";
import type { Secret } from "../api/core-v1.js";
import type { DeepReadonly } from "../api/meta-v1.js";

export interface KeyPair {
  /** PEM: the leaf first, then its chain. */
  cert: string;
  key: string;
}

/** The key pair in a Secret, or why there is none, in ingress-nginx's words. */
export function keyPairIn(secret: DeepReadonly<Secret>): KeyPair | string {
  const name = `${secret.metadata.namespace}/${secret.metadata.name}`;
  const cert = decode(secret.data?.["tls.crt"]);
  const key = decode(secret.data?.["tls.key"]);
  if (cert === "") return `key 'tls.crt' missing from Secret "${name}"`;
  if (key === "") return `key 'tls.key' missing from Secret "${name}"`;
  return { cert, key };
}

const decode = (base64: string | undefined): string => Buffer.from(base64 ?? "", "base64").toString("utf8");

/** Whether a certificate is for a host. An unreadable one is for none. */
export function isCertificateFor(cert: string, host: string): boolean {
  try {
    return new X509Certificate(cert).checkHost(host.replace(/^\*\./, "any.")) !== undefined;
  } catch {
    return false;
  }
}
