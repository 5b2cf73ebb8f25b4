import type { HttpRequest } from "../../machinery/api/http.js";
import { newUnauthorized } from "../../machinery/api/status.js";
import type { Authenticator } from "./authenticator.js";
import type { Authorizer } from "./authorizer.js";
import { impersonate } from "./impersonation.js";
import { ANONYMOUS, AUTHENTICATED_GROUP, type UserInfo } from "./user-info.js";

/** Knows one kind of bearer token. Undefined: not one of mine, or not valid. */
export interface TokenAuthenticator {
  authenticateToken(token: string): UserInfo | undefined;
}

export interface RequestAuthenticatorOptions {
  /** Asked in turn. */
  tokens: readonly TokenAuthenticator[];
  /** Decides who may act as somebody else. */
  authorizer: Authorizer;
}

/** Client certificate, else bearer token; then impersonation as its headers ask. */
export class RequestAuthenticator implements Authenticator {
  readonly #tokens: readonly TokenAuthenticator[];
  readonly #authorizer: Authorizer;

  constructor({ tokens, authorizer }: RequestAuthenticatorOptions) {
    this.#tokens = tokens;
    this.#authorizer = authorizer;
  }

  authenticate(request: HttpRequest): UserInfo | undefined {
    const user = fromCertificate(request) ?? this.#fromToken(request);
    // As upstream: credentials that were shown and are not good never fall back to anonymous.
    if (!user && (request.clientCertificateError !== undefined || bearerToken(request) !== undefined)) {
      throw newUnauthorized();
    }
    const acting = impersonate(request, user ?? ANONYMOUS, this.#authorizer);
    return acting === ANONYMOUS ? undefined : acting;
  }

  #fromToken(request: HttpRequest): UserInfo | undefined {
    const token = bearerToken(request);
    if (token === undefined) return undefined;
    for (const authenticator of this.#tokens) {
      const user = authenticator.authenticateToken(token);
      if (user) return authenticated(user);
    }
    return undefined;
  }
}

/** A certificate without a common name speaks for nobody (x509.CommonNameUserConversion). */
function fromCertificate({ clientCertificate }: HttpRequest): UserInfo | undefined {
  if (!clientCertificate?.commonName) return undefined;
  return authenticated({ name: clientCertificate.commonName, groups: clientCertificate.organizations });
}

const authenticated = (user: UserInfo): UserInfo =>
  user.groups.includes(AUTHENTICATED_GROUP)
    ? user
    : { ...user, groups: [...user.groups, AUTHENTICATED_GROUP] };

/** The token of `Authorization: Bearer …`; undefined when the header is missing or of another scheme. */
function bearerToken({ headers }: HttpRequest): string | undefined {
  const parts = (headers["authorization"] ?? "").trim().split(" ");
  return parts[0]?.toLowerCase() === "bearer" && parts[1] ? parts[1] : undefined;
}
