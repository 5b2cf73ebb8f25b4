/** Runs `work` on every item, at most `limit` at once; resolves to one outcome each, in order. Never rejects. */
export async function settleBounded<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<PromiseSettledResult<R>[]> {
  const results: PromiseSettledResult<R>[] = Array.from({ length: items.length });
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const i = next++;
      try {
        results[i] = { status: "fulfilled", value: await work(items[i] as T) };
      } catch (reason) {
        results[i] = { status: "rejected", reason };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return results;
}

// Upstream: pkg/controller/controller_utils.go slowStartBatch.
/**
 * Tries one, then two, then four…: when all would fail for one reason (quota, a bad template) only the first does. Stops
 * at the first batch with a failure and resolves to how many succeeded and that failure.
 */
export async function slowStart(
  count: number,
  limit: number,
  work: () => Promise<void>,
): Promise<{ succeeded: number; failure?: unknown }> {
  let succeeded = 0;
  for (let left = count, batch = Math.min(1, count); batch > 0; batch = Math.min(batch * 2, left)) {
    const results = await settleBounded(Array.from({ length: batch }), limit, work);
    const failed = results.find((result) => result.status === "rejected");
    succeeded += results.filter((result) => result.status === "fulfilled").length;
    if (failed) return { succeeded, failure: failed.reason };
    left -= batch;
  }
  return { succeeded };
}
