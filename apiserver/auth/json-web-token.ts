import { createHash, createPublicKey, type KeyObject, sign, verify } from "node:crypto";

/** ES256 with one key. Synchronous, so that a simulated run needs no thread pool. */
export class JsonWebTokenKey {
  readonly keyId: string;
  readonly publicKey: KeyObject;
  readonly #privateKey: KeyObject;

  constructor(privateKey: KeyObject) {
    this.#privateKey = privateKey;
    this.publicKey = createPublicKey(privateKey);
    const spki = this.publicKey.export({ type: "spki", format: "der" });
    this.keyId = createHash("sha256").update(spki).digest("base64url");
  }

  sign(claims: object): string {
    const header = { alg: "ES256", kid: this.keyId };
    const content = `${encode(header)}.${encode(claims)}`;
    const signature = sign("sha256", Buffer.from(content), {
      key: this.#privateKey,
      dsaEncoding: "ieee-p1363",
    });
    return `${content}.${signature.toString("base64url")}`;
  }

  /** The claims of a token that this key signed; undefined for anything else. Says nothing about its time. */
  verify(token: string): Record<string, unknown> | undefined {
    const [header, claims, signature, ...rest] = token.split(".");
    if (!header || !claims || !signature || rest.length > 0) return undefined;
    if (decode(header)?.["alg"] !== "ES256") return undefined;
    const key = { key: this.publicKey, dsaEncoding: "ieee-p1363" as const };
    const content = Buffer.from(`${header}.${claims}`);
    if (!verify("sha256", content, key, Buffer.from(signature, "base64url"))) return undefined;
    return decode(claims);
  }

  /** The public half as `/openid/v1/jwks` lists it. */
  toJwk(): Record<string, unknown> {
    return { use: "sig", ...this.publicKey.export({ format: "jwk" }), kid: this.keyId, alg: "ES256" };
  }
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

function decode(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
