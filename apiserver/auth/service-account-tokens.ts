import { createPrivateKey } from "node:crypto";
import type { Clock } from "../../machinery/api/clock.js";
import type { Secrets } from "../../machinery/api/rng.js";
import { JsonWebTokenKey } from "./json-web-token.js";
import type { TokenAuthenticator } from "./request-authenticator.js";
import type { UserInfo } from "./user-info.js";

/** Who a token speaks for, and what it ends with. */
export interface TokenBinding {
  namespace: string;
  serviceAccount: { name: string; uid: string };
  /** Objects whose deletion ends the token. */
  pod?: { name: string; uid: string };
  secret?: { name: string; uid: string };
  node?: { name: string; uid: string };
}

export interface IssuedToken {
  token: string;
  expiresAtMs: number;
}

/** What the `serviceaccounts/token` subresource needs. */
export interface TokenIssuer {
  readonly issuer: string;
  issue(
    binding: TokenBinding,
    options: { audiences?: readonly string[]; expirationSeconds: number },
  ): IssuedToken;
}

export interface ServiceAccountTokensOptions {
  /** PEM of an EC P-256 key. */
  key: string;
  clock: Pick<Clock, "nowMs">;
  secrets: Secrets;
  issuer?: string;
  /** Whether the ServiceAccount and what the token is bound to still exist with these uids. */
  isLive?: (binding: TokenBinding) => boolean;
}

export const DEFAULT_ISSUER = "https://kubernetes.default.svc.cluster.local";
const MOST_CACHED_TOKENS = 4096;

interface Verified {
  binding: TokenBinding;
  user: UserInfo;
  notBeforeMs: number;
  expiresAtMs: number;
}

/** Signs and knows the tokens of ServiceAccounts (pkg/serviceaccount). */
export class ServiceAccountTokens implements TokenAuthenticator, TokenIssuer {
  readonly issuer: string;
  readonly key: JsonWebTokenKey;
  readonly #options: ServiceAccountTokensOptions;
  /** Signatures found good; time and liveness are looked at anew for each request. */
  readonly #verified = new Map<string, Verified>();

  constructor(options: ServiceAccountTokensOptions) {
    this.#options = options;
    this.issuer = options.issuer ?? DEFAULT_ISSUER;
    this.key = new JsonWebTokenKey(createPrivateKey(options.key));
  }

  issue(
    binding: TokenBinding,
    { audiences = [], expirationSeconds }: { audiences?: readonly string[]; expirationSeconds: number },
  ): IssuedToken {
    const nowSeconds = Math.floor(this.#options.clock.nowMs() / 1000);
    const { namespace, serviceAccount, pod, secret, node } = binding;
    const token = this.key.sign({
      aud: audiences.length > 0 ? audiences : [this.issuer],
      exp: nowSeconds + expirationSeconds,
      iat: nowSeconds,
      iss: this.issuer,
      jti: this.#newId(),
      "kubernetes.io": {
        namespace,
        ...(node ? { node } : {}),
        ...(pod ? { pod } : {}),
        ...(secret ? { secret } : {}),
        serviceaccount: serviceAccount,
      },
      nbf: nowSeconds,
      sub: `system:serviceaccount:${namespace}:${serviceAccount.name}`,
    });
    return { token, expiresAtMs: (nowSeconds + expirationSeconds) * 1000 };
  }

  authenticateToken(token: string): UserInfo | undefined {
    const verified = this.#verified.get(token) ?? this.#verify(token);
    if (!verified) return undefined;
    const nowMs = this.#options.clock.nowMs();
    if (nowMs < verified.notBeforeMs || nowMs >= verified.expiresAtMs) return undefined;
    return (this.#options.isLive?.(verified.binding) ?? true) ? verified.user : undefined;
  }

  #verify(token: string): Verified | undefined {
    const claims = this.key.verify(token);
    const verified = claims && this.#toVerified(claims);
    if (!verified) return undefined;
    const [oldest] = this.#verified.keys();
    if (oldest !== undefined && this.#verified.size >= MOST_CACHED_TOKENS) this.#verified.delete(oldest);
    this.#verified.set(token, verified);
    return verified;
  }

  #toVerified(claims: Record<string, unknown>): Verified | undefined {
    const { iss, aud, exp, nbf, jti } = claims;
    const about = claims["kubernetes.io"] as
      | (Omit<TokenBinding, "serviceAccount"> & { serviceaccount?: TokenBinding["serviceAccount"] })
      | undefined;
    const audiences: unknown[] = Array.isArray(aud) ? aud : [aud];
    if (iss !== this.issuer || !audiences.includes(this.issuer)) return undefined;
    if (typeof exp !== "number" || !about?.namespace || !about.serviceaccount) return undefined;
    const { serviceaccount: serviceAccount, ...rest } = about;
    const binding = { ...rest, serviceAccount };
    return {
      binding,
      user: toUser(binding, String(jti)),
      notBeforeMs: typeof nbf === "number" ? nbf * 1000 : 0,
      expiresAtMs: exp * 1000,
    };
  }

  /** A version 4 UUID out of the secrets' generator: a token's id must not follow from the seed. */
  #newId(): string {
    const bytes = Buffer.from(this.#options.secrets.randomBytes(16));
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
    return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }
}

function toUser({ namespace, serviceAccount, pod, node }: TokenBinding, id: string): UserInfo {
  return {
    name: `system:serviceaccount:${namespace}:${serviceAccount.name}`,
    uid: serviceAccount.uid,
    groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
    extra: {
      "authentication.kubernetes.io/credential-id": [`JTI=${id}`],
      ...(node
        ? {
            "authentication.kubernetes.io/node-name": [node.name],
            "authentication.kubernetes.io/node-uid": [node.uid],
          }
        : {}),
      ...(pod
        ? {
            "authentication.kubernetes.io/pod-name": [pod.name],
            "authentication.kubernetes.io/pod-uid": [pod.uid],
          }
        : {}),
    },
  };
}
