import type { SecureContext } from "node:tls";
import type { Secret } from "../api/core-v1.js";
import type { DeepReadonly } from "../api/meta-v1.js";
import { isCertificateFor, type KeyPair, keyPairIn } from "./certificates.js";
import { toHostName } from "./request-target.js";
import type { Router } from "./router.js";

export interface HostCertificatesOptions {
  router: Router;
  /** By `namespace/name`. */
  secret: (key: string) => DeepReadonly<Secret> | undefined;
  /** Throws Error for what is no key pair. */
  toContext: (pair: KeyPair) => SecureContext;
  /** Shown where a host has none of its own. */
  defaultPair: () => KeyPair;
  /** `--default-ssl-certificate`: a Secret that comes before `defaultPair`. */
  defaultSecret?: string;
  onProblem: (message: string) => void;
}

/** Certificates by server name, from Secrets as they are now. A Secret is read once for each of its versions. */
export class HostCertificates {
  readonly #options: HostCertificatesOptions;
  readonly #contexts = new Map<
    string,
    { version: string; context: SecureContext; cert: string } | { version: string }
  >();
  #default: SecureContext | undefined;

  constructor(options: HostCertificatesOptions) {
    this.#options = options;
  }

  contextFor(serverName: string | undefined): SecureContext {
    const host = toHostName(serverName) ?? "";
    const tls = this.#options.router.virtualHost(host)?.tls;
    const found = tls?.secret === undefined ? undefined : this.#read(tls.secret);
    if (found && isCertificateFor(found.cert, host)) return found.context;
    if (found) {
      this.#options.onProblem(
        `SSL certificate "${tls?.secret}" does not contain a Common Name or Subject Alternative Name for server "${host}": x509: certificate is not valid for it\nUsing default certificate`,
      );
    }
    return this.#defaultContext();
  }

  #defaultContext(): SecureContext {
    const { defaultSecret, toContext, defaultPair } = this.#options;
    const chosen = defaultSecret === undefined ? undefined : this.#read(defaultSecret);
    if (chosen) return chosen.context;
    this.#default ??= toContext(defaultPair());
    return this.#default;
  }

  #read(key: string): { context: SecureContext; cert: string } | undefined {
    const secret = this.#options.secret(key);
    const version = secret?.metadata.resourceVersion ?? "";
    const known = this.#contexts.get(key);
    if (known?.version === version) return "context" in known ? known : undefined;
    const pair = secret ? keyPairIn(secret) : `local SSL certificate ${key} was not found`;
    const made = typeof pair === "string" ? pair : this.#make(pair);
    if (typeof made === "string") {
      this.#options.onProblem(`Error getting SSL certificate "${key}": ${made}. Using default certificate`);
      this.#contexts.set(key, { version });
      return undefined;
    }
    const entry = { version, ...made };
    this.#contexts.set(key, entry);
    return entry;
  }

  #make(pair: KeyPair): { context: SecureContext; cert: string } | string {
    try {
      return { context: this.#options.toContext(pair), cert: pair.cert };
    } catch (err) {
      return `unexpected error creating SSL Cert: ${(err as Error).message}`;
    }
  }
}
