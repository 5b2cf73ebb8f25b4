import type { SocketAddress } from "../../machinery/network/network.js";

/** What is known of a transfer; times are monotonic. */
export interface Transfer {
  url: string;
  effectiveUrl?: string;
  startedAtMs: number;
  resolvedAtMs?: number;
  connectedAtMs?: number;
  firstByteAtMs?: number;
  status: number;
  contentType?: string;
  sizeBytes: number;
  redirects: number;
  local?: SocketAddress;
  remote?: SocketAddress;
  timedOut?: boolean;
}

/** curl -w: `%{http_code}`, `%{time_total}`, …, with `\n` and `\t`. */
export function formatWriteOut(format: string, transfer: Transfer, nowMs: number, exitCode: number): string {
  const seconds = (atMs: number | undefined): string =>
    ((atMs === undefined ? 0 : atMs - transfer.startedAtMs) / 1000).toFixed(6);
  const variables: Record<string, string> = {
    http_code: String(transfer.status).padStart(3, "0"),
    response_code: String(transfer.status).padStart(3, "0"),
    time_total: seconds(nowMs),
    time_namelookup: seconds(transfer.resolvedAtMs),
    time_connect: seconds(transfer.connectedAtMs),
    time_starttransfer: seconds(transfer.firstByteAtMs),
    time_appconnect: "0.000000",
    time_pretransfer: seconds(transfer.connectedAtMs),
    time_redirect: "0.000000",
    size_download: String(transfer.sizeBytes),
    num_redirects: String(transfer.redirects),
    remote_ip: transfer.remote?.ip ?? "",
    remote_port: String(transfer.remote?.port ?? ""),
    local_ip: transfer.local?.ip ?? "",
    local_port: String(transfer.local?.port ?? ""),
    content_type: transfer.contentType ?? "",
    url_effective: transfer.effectiveUrl ?? transfer.url,
    exitcode: String(exitCode),
    errormsg: "",
    scheme: "http",
    http_version: transfer.status === 0 ? "0" : "1.1",
  };
  return format
    .replace(/\\([nrt\\])/g, (_, letter: string) => ({ n: "\n", r: "\r", t: "\t" })[letter] ?? "\\")
    .replace(/%(?:\{(\w+)\}|%)/g, (_, name?: string) =>
      name === undefined ? "%" : Object.hasOwn(variables, name) ? (variables[name] ?? "") : "",
    );
}
