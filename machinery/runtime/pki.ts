import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  X509Certificate,
} from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type CertificateRequest,
  issueAuthority,
  issueCertificate,
  type Issuer,
  type Validity,
} from "./certificate.js";
import { canonicalIp } from "../api/ip-address.js";
import { findKubeconfig, writeKubeconfig } from "./kubeconfig.js";
import { writeSecretFile } from "./secret-file.js";

export interface PkiOptions {
  /** `pki/` of the data directory. */
  dir: string;
  /** Where each component's and each node's kubeconfig goes. */
  credentialsDir: string;
  /** The administrator's kubeconfig. */
  kubeconfig: string;
  clusterName: string;
  server: string;
  nodeNames: readonly string[];
  /** First address of the Service range, in the server's certificate. */
  serviceIp?: string;
}

/** Everything the API server reads from `pki/`, as PEM. */
export interface Pki {
  ca: string;
  /** What the API server shows to its clients. */
  server: KeyAndCertificate;
  /** What it shows to kubelets. */
  kubeletClient: KeyAndCertificate;
  serviceAccountKey: string;
}
export interface KeyAndCertificate {
  key: string;
  cert: string;
}

const CA_NAME = "kubernetes";
const TEN_YEARS_MS = 10 * 365 * 24 * 3600 * 1000;
const API_SERVER_NAMES = [
  "kubernetes",
  "kubernetes.default",
  "kubernetes.default.svc",
  "kubernetes.default.svc.cluster.local",
  "localhost",
  "127.0.0.1",
  "172.18.0.2",
  "fd00:172:18::2",
];

const COMPONENTS: Readonly<Record<string, { commonName: string; organizations?: readonly string[] }>> = {
  admin: { commonName: "kubernetes-admin", organizations: ["system:masters"] },
  "controller-manager": { commonName: "system:kube-controller-manager" },
  scheduler: { commonName: "system:kube-scheduler" },
  "kube-proxy": { commonName: "system:kube-proxy" },
};

/** Makes what is missing of a cluster's keys, certificates and kubeconfigs; what exists is kept (server URL apart). */
export async function ensurePki(options: PkiOptions): Promise<void> {
  const authority = ensureAuthority(options.dir);
  ensureServerFiles(options.dir, authority, options.serviceIp ?? "10.96.0.1");
  mkdirSync(options.credentialsDir, { recursive: true, mode: 0o700 });
  for (const [component, identity] of Object.entries(COMPONENTS)) {
    const file = join(options.credentialsDir, `${component}.kubeconfig`);
    ensureKubeconfig(file, authority, options, { ...identity, usages: ["client"] });
  }
  for (const node of options.nodeNames) {
    const file = join(options.credentialsDir, `node-${node}.kubeconfig`);
    ensureKubeconfig(file, authority, options, {
      commonName: `system:node:${node}`,
      organizations: ["system:nodes"],
      // The kubelet serves with it too, so that the API server can tell one node from another.
      usages: ["client", "server"],
      names: [node],
    });
  }
  ensureKubeconfig(options.kubeconfig, authority, options, {
    commonName: "kubernetes-admin",
    organizations: ["system:masters"],
    usages: ["client"],
  });
}

/** The files that the API server itself needs, made where missing. */
export function ensureServerPki(dir: string, serviceIp: string): Pki {
  ensureServerFiles(dir, ensureAuthority(dir), serviceIp);
  return loadPki(dir);
}

/** Throws when a file is missing. */
export function loadPki(dir: string): Pki {
  const read = (name: string): string => readFileSync(join(dir, name), "utf8");
  const pair = (name: string): KeyAndCertificate => ({ key: read(`${name}.key`), cert: read(`${name}.crt`) });
  return {
    ca: read("ca.crt"),
    server: pair("apiserver"),
    kubeletClient: pair("apiserver-kubelet-client"),
    serviceAccountKey: read("sa.key"),
  };
}

interface Authority extends Issuer {
  certificate: string;
}

function ensureAuthority(dir: string): Authority {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const keyFile = join(dir, "ca.key");
  const certificateFile = join(dir, "ca.crt");
  if (existsSync(keyFile) && existsSync(certificateFile)) {
    return {
      commonName: CA_NAME,
      privateKey: createPrivateKey(readFileSync(keyFile)),
      certificate: readFileSync(certificateFile, "utf8"),
    };
  }
  const { privateKey } = newKeyPair();
  const certificate = issueAuthority({ commonName: CA_NAME, privateKey }, newValidity());
  writeSecretFile(keyFile, toPem(privateKey));
  writeSecretFile(certificateFile, certificate);
  return { commonName: CA_NAME, privateKey, certificate };
}

function ensureServerFiles(dir: string, authority: Authority, serviceIp: string): void {
  ensurePair(dir, "apiserver", authority, {
    commonName: "kube-apiserver",
    usages: ["server"],
    names: [...API_SERVER_NAMES, serviceIp],
  });
  ensurePair(dir, "apiserver-kubelet-client", authority, {
    commonName: "kube-apiserver-kubelet-client",
    organizations: ["system:masters"],
    usages: ["client"],
  });
  if (existsSync(join(dir, "sa.key"))) return;
  const { privateKey } = newKeyPair();
  writeSecretFile(join(dir, "sa.key"), toPem(privateKey));
  writeSecretFile(
    join(dir, "sa.pub"),
    createPublicKey(privateKey).export({ type: "spki", format: "pem" }).toString(),
  );
}

function ensurePair(
  dir: string,
  name: string,
  authority: Authority,
  request: Omit<CertificateRequest, "publicKey">,
): void {
  const certificateFile = join(dir, `${name}.crt`);
  if (existsSync(certificateFile) && existsSync(join(dir, `${name}.key`))) {
    const covered = coveredNames(readFileSync(certificateFile, "utf8"), authority);
    if (covered && (request.names ?? []).every((wanted) => covered.includes(wanted))) return;
  }
  const { key, cert } = issue(authority, request);
  writeSecretFile(join(dir, `${name}.key`), key);
  writeSecretFile(certificateFile, cert);
}

/** Names in a certificate of this authority that has not run out; undefined for any other. */
function coveredNames(pem: string, authority: Authority): string[] | undefined {
  try {
    const certificate = new X509Certificate(pem);
    if (!certificate.verify(createPublicKey(authority.privateKey))) return undefined;
    if (Date.parse(certificate.validTo) < Date.now()) return undefined;
    return (certificate.subjectAltName ?? "")
      .split(", ")
      .map((name) => canonicalIp(name.replace(/^(DNS|IP Address):/, "")));
  } catch {
    return undefined;
  }
}

function ensureKubeconfig(
  file: string,
  authority: Authority,
  { clusterName, server }: PkiOptions,
  request: Omit<CertificateRequest, "publicKey">,
): void {
  const known = findKubeconfig(file);
  const usable = known?.ca?.toString() === authority.certificate && known.cert && known.key;
  if (usable && known.server === server) return;
  const identity =
    usable && known.cert && known.key
      ? { cert: known.cert.toString(), key: known.key.toString() }
      : issue(authority, request);
  writeKubeconfig(file, {
    clusterName,
    user: request.commonName,
    server,
    ca: authority.certificate,
    ...identity,
  });
}

function issue(authority: Authority, request: Omit<CertificateRequest, "publicKey">): KeyAndCertificate {
  const { publicKey, privateKey } = newKeyPair();
  const cert = issueCertificate({ ...request, publicKey }, authority, newValidity());
  return { key: toPem(privateKey), cert };
}

const newKeyPair = (): { publicKey: KeyObject; privateKey: KeyObject } =>
  generateKeyPairSync("ec", { namedCurve: "P-256" });

const newValidity = (): Validity => ({
  serial: randomBytes(8),
  // A clock that is a little behind must not find the certificate unborn.
  notBeforeMs: Date.now() - 5 * 60_000,
  notAfterMs: Date.now() + TEN_YEARS_MS,
});

const toPem = (key: KeyObject): string => key.export({ type: "pkcs8", format: "pem" }).toString();
