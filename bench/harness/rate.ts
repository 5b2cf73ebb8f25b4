import type { RequestsResult } from "../jobs/requests.js";

/** Answers a second. A rate of failures is no rate: throws when a request failed. */
export function rateOf({ perSecond, failures, requests, firstFailure }: RequestsResult): number {
  if (failures > 0)
    throw new Error(`${failures} of ${requests} requests failed, the first with ${firstFailure}`);
  return perSecond;
}
