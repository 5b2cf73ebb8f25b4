import { createHash, timingSafeEqual } from "node:crypto";
import type { TokenAuthenticator } from "./request-authenticator.js";
import type { UserInfo } from "./user-info.js";

/** Tokens from `--token-auth-file`: lines of token, user name, uid and optionally "group1,group2". */
export class StaticTokens implements TokenAuthenticator {
  readonly #users: readonly { digest: Buffer; user: UserInfo }[];

  /** Throws RangeError naming the first line that is not one of a token file. */
  constructor(csv: string) {
    this.#users = csv
      .split(/\r?\n/)
      .map((line, i) => ({ line: line.trim(), number: i + 1 }))
      .filter(({ line }) => line !== "" && !line.startsWith("#"))
      .map(({ line, number }) => parseLine(line, number));
  }

  authenticateToken(token: string): UserInfo | undefined {
    const digest = digestOf(token);
    let found: UserInfo | undefined;
    for (const known of this.#users) if (timingSafeEqual(known.digest, digest)) found ??= known.user;
    return found;
  }
}

function parseLine(line: string, number: number): { digest: Buffer; user: UserInfo } {
  const fields = [...line.matchAll(/\s*(?:"((?:[^"]|"")*)"|([^,]*))\s*(?:,|$)/g)].map((field) =>
    (field[1]?.replaceAll('""', '"') ?? field[2] ?? "").trim(),
  );
  const [token, name, uid, groups] = fields;
  if (!token || !name || uid === undefined) {
    throw new RangeError(`token file: line ${number} must be token,user,uid[,"group1,group2"]`);
  }
  const groupList = (groups ?? "").split(",").filter((group) => group !== "");
  return { digest: digestOf(token), user: { name, groups: groupList, ...(uid ? { uid } : {}) } };
}

const digestOf = (token: string): Buffer => createHash("sha256").update(token).digest();
