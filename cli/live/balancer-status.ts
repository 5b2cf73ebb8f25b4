import type { Clock } from "../../machinery/api/clock.js";
import { type Service, services } from "../../machinery/api/core-v1.js";
import { TransportError } from "../../machinery/api/http.js";
import { isNotFound } from "../../machinery/api/status.js";
import type { RestClient } from "../../machinery/client/rest-client.js";

const RETRY_MS = 500;
const MOST_TRIES = 10;

export interface Ingress {
  ip: string;
  ipMode: string;
}

/** What a tunnel needs to write `status.loadBalancer`; waits a few seconds for an API server that is starting anew. */
export async function writeBalancerStatus(
  { client, clock }: { client: RestClient; clock: Clock },
  at: { namespace: string; name: string },
  ingress: Ingress[] | null,
): Promise<void> {
  const body = { status: { loadBalancer: { ingress } } };
  await whileStarting(clock, async () => {
    try {
      await client.patch(services, at, { type: "merge", body }, { subresource: "status" });
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
  });
}

/** Takes back every address that a tunnel of the cluster with this loopback index has given. Answers how many. */
export async function clearBalancerStatus(
  api: { client: RestClient; clock: Clock },
  loopbackIndex: number,
): Promise<number> {
  const { items } = await whileStarting(api.clock, () => api.client.list(services));
  const left = items.filter((service) => isTunnelled(service, loopbackIndex));
  for (const { metadata } of left)
    await writeBalancerStatus(api, { namespace: metadata.namespace ?? "default", name: metadata.name }, null);
  return left.length;
}

/** Addresses that only a tunnel gives: 127.C.1.n, and 127.0.0.1 where there is no other loopback. */
const isTunnelled = ({ spec, status }: Service, loopbackIndex: number): boolean =>
  spec.type === "LoadBalancer" &&
  spec.loadBalancerClass === undefined &&
  (status.loadBalancer?.ingress ?? []).some(
    ({ ip }) => ip === "127.0.0.1" || ip?.startsWith(`127.${loopbackIndex}.1.`) === true,
  );

async function whileStarting<T>(clock: Clock, call: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++)
    try {
      return await call();
    } catch (err) {
      if (!(err instanceof TransportError) || tries === MOST_TRIES) throw err;
      await clock.sleep(RETRY_MS);
    }
}
