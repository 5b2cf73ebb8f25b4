import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { load } from "js-yaml";
import { writeSecretFile } from "./secret-file.js";

/** How to reach an API server, and as whom. Certificates and keys are PEM. */
export interface Credentials {
  server: string;
  ca?: Buffer | undefined;
  cert?: Buffer | undefined;
  key?: Buffer | undefined;
  token?: string | undefined;
  insecureSkipTlsVerify?: boolean;
  /** Of the context; "default" when it names none. */
  namespace: string;
}

/** A kubeconfig that cannot be used; the message says which file and why. */
export class KubeconfigError extends Error {
  override readonly name = "KubeconfigError";
}

interface Cluster {
  server?: string;
  "certificate-authority"?: string;
  "certificate-authority-data"?: string;
  "insecure-skip-tls-verify"?: boolean;
}
interface User {
  token?: string;
  tokenFile?: string;
  "client-certificate"?: string;
  "client-certificate-data"?: string;
  "client-key"?: string;
  "client-key-data"?: string;
}
interface Kubeconfig {
  clusters?: { name?: string; cluster?: Cluster }[];
  users?: { name?: string; user?: User }[];
  contexts?: { name?: string; context?: { cluster?: string; user?: string; namespace?: string } }[];
  "current-context"?: string;
}

/** The credentials of a file's current (or the named) context. Throws KubeconfigError. */
export function loadKubeconfig(path: string, context?: string): Credentials {
  const credentials = findKubeconfig(path, context);
  if (!credentials) throw new KubeconfigError(`kubeconfig ${path} does not exist`);
  return credentials;
}

/** The same; undefined when there is no such file. */
export function findKubeconfig(path: string, context?: string): Credentials | undefined {
  if (!existsSync(path)) return undefined;
  const config = parse(path);
  const contextName = context ?? config["current-context"] ?? "";
  const chosen = named(config.contexts, contextName)?.context;
  if (!chosen) throw new KubeconfigError(`${path}: context "${contextName}" does not exist`);
  const cluster = named(config.clusters, chosen.cluster)?.cluster;
  if (!cluster?.server) throw new KubeconfigError(`${path}: cluster "${chosen.cluster}" does not exist`);
  const user = named(config.users, chosen.user)?.user ?? {};
  const pem = (data: string | undefined, file: string | undefined): Buffer | undefined => {
    if (data) return Buffer.from(data, "base64");
    return file ? readFileSync(resolve(dirname(path), file)) : undefined;
  };
  const token =
    user.token ??
    (user.tokenFile ? readFileSync(resolve(dirname(path), user.tokenFile), "utf8").trim() : undefined);
  return {
    server: cluster.server,
    ca: pem(cluster["certificate-authority-data"], cluster["certificate-authority"]),
    cert: pem(user["client-certificate-data"], user["client-certificate"]),
    key: pem(user["client-key-data"], user["client-key"]),
    token,
    ...(cluster["insecure-skip-tls-verify"] ? { insecureSkipTlsVerify: true } : {}),
    namespace: chosen.namespace ?? "default",
  };
}

function parse(path: string): Kubeconfig {
  let content: unknown;
  try {
    content = load(readFileSync(path, "utf8"));
  } catch (err) {
    throw new KubeconfigError(`${path}: ${(err as Error).message}`);
  }
  if (typeof content !== "object" || content === null)
    throw new KubeconfigError(`${path} is not a kubeconfig`);
  return content;
}

const named = <T extends { name?: string }>(list: readonly T[] | undefined, name: string | undefined) =>
  list?.find((entry) => entry.name === name);

export interface NewKubeconfig {
  clusterName: string;
  user: string;
  server: string;
  /** PEM. */
  ca: string;
  cert: string;
  key: string;
}

/** Writes a kubeconfig with one context, `<user>@<clusterName>`, mode 0600. */
export function writeKubeconfig(path: string, config: NewKubeconfig): void {
  const base64 = (pem: string): string => Buffer.from(pem).toString("base64");
  const context = `${config.user}@${config.clusterName}`;
  const lines = [
    "apiVersion: v1",
    "kind: Config",
    "clusters:",
    `- name: ${config.clusterName}`,
    "  cluster:",
    `    server: ${config.server}`,
    `    certificate-authority-data: ${base64(config.ca)}`,
    "users:",
    `- name: ${config.user}`,
    "  user:",
    `    client-certificate-data: ${base64(config.cert)}`,
    `    client-key-data: ${base64(config.key)}`,
    "contexts:",
    `- name: ${context}`,
    "  context:",
    `    cluster: ${config.clusterName}`,
    `    user: ${config.user}`,
    `current-context: ${context}`,
    "preferences: {}",
    "",
  ];
  writeSecretFile(path, lines.join("\n"));
}
