import type { HttpRequest, HttpResponse } from "../../machinery/api/http.js";
import type { ServiceAccountTokens } from "./service-account-tokens.js";

/**
 * Answers /.well-known/openid-configuration and /openid/v1/jwks, by which others check ServiceAccount tokens; undefined
 * for any other path. Upstream: pkg/routes/openidmetadata.go.
 */
export function openIdMount(
  tokens: ServiceAccountTokens,
  server: string,
): (request: HttpRequest) => HttpResponse | undefined {
  const documents: Readonly<Record<string, { type: string; content: object }>> = {
    "/.well-known/openid-configuration": {
      type: "application/json",
      content: {
        issuer: tokens.issuer,
        jwks_uri: `${server}/openid/v1/jwks`,
        response_types_supported: ["id_token"],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: ["ES256"],
      },
    },
    "/openid/v1/jwks": { type: "application/jwk-set+json", content: { keys: [tokens.key.toJwk()] } },
  };
  return ({ method, path }) => {
    const asked = path.split("?")[0] ?? "";
    const document = Object.hasOwn(documents, asked) ? documents[asked] : undefined;
    if (!document || method !== "GET") return undefined;
    return {
      status: 200,
      headers: { "content-type": document.type, "cache-control": "public, max-age=3600" },
      body: Buffer.from(JSON.stringify(document.content)),
    };
  };
}
