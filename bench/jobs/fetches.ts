import { RawClient, requestText, type Target } from "./raw-client.js";

export interface FetchesOptions {
  target: Target;
  path: string;
  count: number;
}

/** Large answers one after another: how long each takes to its last byte. */
export async function run({ target, path, count }: FetchesOptions): Promise<{ ms: number[]; bytes: number }> {
  const client = await RawClient.connect(target);
  const request = requestText({ method: "GET", path }, 0);
  const ms: number[] = [];
  let bytes = 0;
  for (let i = 0; i < count; i++) {
    const startedMs = performance.now();
    const response = await client.send(request);
    ms.push(performance.now() - startedMs);
    if (response.status !== 200) throw new Error(`${path}: ${response.status} ${response.text}`);
    bytes = response.bodyBytes;
  }
  client.close();
  return { ms, bytes };
}
