import { Http1Client } from "../../machinery/network/http1-client.js";
import type { Connection } from "../../machinery/network/network.js";

export interface HttpGetRequest {
  /** `host:port` for the Host header, unless `headers` has one. */
  authority: string;
  path: string;
  headers: readonly { name: string; value: string }[];
}

const LARGEST_BODY_BYTES = 10 * 1024;

/** One GET on a fresh connection, as probes and hooks make it; reads at most 10 KiB of body. Answers the status. */
export async function httpGet(connection: Connection, request: HttpGetRequest): Promise<number> {
  const response = await new Http1Client(connection).request({
    method: "GET",
    path: request.path,
    headers: {
      host: request.authority,
      "user-agent": "kube-probe/1.36",
      accept: "*/*",
      connection: "close",
      ...Object.fromEntries(request.headers.map(({ name, value }) => [name.toLowerCase(), value])),
    },
  });
  if (response.whole) return response.status;
  let length = 0;
  for await (const chunk of response.body) {
    length += chunk.length;
    if (length >= LARGEST_BODY_BYTES) break;
  }
  return response.status;
}
