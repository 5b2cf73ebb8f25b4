import type { TokenRequest } from "../../machinery/api/authentication-v1.js";
import type { Clock } from "../../machinery/api/clock.js";
import { type Pod, serviceAccounts } from "../../machinery/api/core-v1.js";
import type { RestClient } from "../../machinery/client/rest-client.js";
import { Limiter } from "../pods/limiter.js";
import { MountError, type TokenSource } from "./volume-files.js";

/** The share of a token's life after which it is replaced. */
const REFRESH_SHARE = 0.8;
const REQUESTS_AT_ONCE = 4;

interface KnownToken {
  token: string;
  refreshAtMs: number;
}

/** Tokens of the ServiceAccounts of one node's pods, bound to the pods. */
export class ServiceAccountTokens {
  readonly #client: RestClient;
  readonly #clock: Clock;
  readonly #limiter = new Limiter(REQUESTS_AT_ONCE);
  readonly #byPod = new Map<string, Map<string, KnownToken>>();

  constructor(options: { client: RestClient; clock: Clock }) {
    this.#client = options.client;
    this.#clock = options.clock;
  }

  for(pod: Pod): TokenSource {
    return async (audience, expirationSeconds) => {
      const tokens = this.#tokensOf(pod.metadata.uid);
      const key = `${audience ?? ""}/${expirationSeconds}`;
      const known = tokens.get(key);
      if (known && known.refreshAtMs > this.#clock.nowMs()) return known.token;
      const token = await this.#limiter.run(() => this.#request(pod, audience, expirationSeconds));
      const lifeMs = expirationSeconds * 1000;
      tokens.set(key, { token, refreshAtMs: this.#clock.nowMs() + lifeMs * REFRESH_SHARE });
      return token;
    };
  }

  forget(podUid: string): void {
    this.#byPod.delete(podUid);
  }

  #tokensOf(podUid: string): Map<string, KnownToken> {
    const tokens = this.#byPod.get(podUid) ?? new Map<string, KnownToken>();
    this.#byPod.set(podUid, tokens);
    return tokens;
  }

  async #request(pod: Pod, audience: string | undefined, expirationSeconds: number): Promise<string> {
    const { namespace = "", name, uid } = pod.metadata;
    const account = pod.spec.serviceAccountName || "default";
    try {
      const answer = (await this.#client.createSubresource(
        serviceAccounts,
        { namespace, name: account },
        "token",
        {
          apiVersion: "authentication.k8s.io/v1",
          kind: "TokenRequest",
          metadata: {},
          spec: {
            ...(audience ? { audiences: [audience] } : {}),
            expirationSeconds,
            boundObjectRef: { kind: "Pod", apiVersion: "v1", name, uid },
          },
        },
      )) as TokenRequest;
      return answer.status.token;
    } catch (err) {
      throw new MountError(`failed to fetch token: ${err instanceof Error ? err.message : String(err)}`);
    }
  }
}

/** How long the shortest-lived token of a pod may stay in its volume; undefined when it mounts none. */
export function tokenRefreshMs(pod: Pod): number | undefined {
  const seconds = (pod.spec.volumes ?? []).flatMap(({ projected }) =>
    (projected?.sources ?? []).flatMap(({ serviceAccountToken }) =>
      serviceAccountToken ? [serviceAccountToken.expirationSeconds ?? 3600] : [],
    ),
  );
  return seconds.length === 0 ? undefined : Math.min(...seconds) * 1000 * REFRESH_SHARE;
}
