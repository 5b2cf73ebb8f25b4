import {
  type HttpResponse,
  type Transport,
  TransportError,
  UpgradeRefused,
  type UpgradeRequest,
} from "../../machinery/api/http.js";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import { resource } from "../../machinery/api/resource.js";
import { newBadRequest, newServiceUnavailable } from "../../machinery/api/status.js";
import { formatAddress } from "../../machinery/network/addresses.js";
import type { SocketAddress } from "../../machinery/network/network.js";
import { proxiedResponse } from "./proxied-response.js";
import { joinStreams } from "./message-relay.js";
import type { ActionCall, Subresource } from "./serve.js";

/** How the API server reaches an address of the virtual network: over TLS, whoever answers, or plainly. */
export type ProxyDialer = (to: SocketAddress, options: { tls: boolean }) => Transport;

/** Where a proxied request goes, and how the backend calls itself in its links: `10.244.0.5:80`. */
export interface Reached {
  transport: Transport;
  host?: string;
}

export const reachAddress = (dial: ProxyDialer, to: SocketAddress, { tls }: ProxyTarget): Reached => ({
  transport: dial(to, { tls }),
  host: formatAddress(to),
});

/** `name`, `name:port` or `scheme:name:port` (apimachinery util/net SplitSchemeNamePort). */
export interface ProxyTarget {
  tls: boolean;
  name: string;
  /** A number, a port's name, or "". */
  port: string;
}

function parseProxyTarget(text: string): ProxyTarget | undefined {
  const parts = text.split(":");
  const [first = "", second = "", third = ""] = parts;
  if (parts.length === 1) return { tls: false, name: first, port: "" };
  if (parts.length === 2) return { tls: false, name: first, port: second };
  if (parts.length !== 3 || !["http", "https", ""].includes(first) || second === "") return undefined;
  return { tls: first === "https", name: second, port: third };
}

const VERBS = ["create", "delete", "get", "patch", "update"];

/** A `proxy` subresource: sends what follows it in the path to wherever `reach` says. */
export const proxySubresource = <T extends KubeObject>(
  kind: string,
  reach: (call: ActionCall<T>, target: ProxyTarget) => Reached,
): Subresource<T> => {
  const targetOf = (name: string): ProxyTarget => {
    const target = parseProxyTarget(name);
    if (!target) throw newBadRequest(`invalid ${kind.toLowerCase()} request "${name}"`);
    return target;
  };
  const dial = (call: ActionCall<T>): Reached => reach(call, targetOf(call.name));
  return {
    kind: "action",
    descriptor: resource("v1", `${kind}ProxyOptions`, { plural: "proxies" }),
    verbs: VERBS,
    objectName: (name) => targetOf(name).name,
    handle: (call) => forward(call, () => dial(call)),
    upgrade: (call, upgrade) => forwardUpgrade(call, upgrade, dial(call).transport),
  };
};

async function forward<T extends KubeObject>(
  call: ActionCall<T>,
  dial: () => Reached,
): Promise<HttpResponse> {
  const { request, signal } = call;
  const { root, below, query } = splitProxyPath(request.path);
  if (below === "" && (request.method === "GET" || request.method === "HEAD"))
    return { status: 301, headers: { location: `${root}/${query}` }, body: new Uint8Array() };
  const headers = forwarded(call, root, below);
  try {
    const { transport, host = "" } = dial();
    const response = await transport.request(
      { ...request, path: `${below || "/"}${query}`, headers },
      signal,
    );
    const at = { root, hosts: [request.headers["host"] ?? "", host] };
    return await proxiedResponse({ ...response, headers: endToEnd(response.headers) }, at, request.method);
  } catch (err) {
    throw err instanceof TransportError ? newUnreachable(err) : err;
  }
}

/** Where bytes can pass as they are they do, so that text stays text and extensions are the two ends' own matter. */
async function forwardUpgrade<T extends KubeObject>(
  call: ActionCall<T>,
  upgrade: UpgradeRequest,
  transport: Transport,
): Promise<HttpResponse | undefined> {
  const { request, signal } = call;
  const { root, below, query } = splitProxyPath(request.path);
  const headers = { ...forwarded(call, root, below), upgrade: upgrade.kind };
  const asked = { ...request, path: `${below || "/"}${query}`, headers };
  try {
    if (upgrade.acceptBytes && transport.upgradeBytes) {
      const answered = await transport.upgradeBytes(
        { ...asked, headers: { ...headers, ...webSocketHeaders(request.headers) } },
        signal,
      );
      await joinStreams(upgrade.acceptBytes(answered.headers), answered.stream, signal);
      return undefined;
    }
    const { protocol, stream } = await transport.upgrade(asked, upgrade.protocols, signal);
    await joinStreams(upgrade.accept(protocol), stream, signal);
    return undefined;
  } catch (err) {
    if (err instanceof UpgradeRefused) return err.response;
    throw err instanceof TransportError ? newUnreachable(err) : err;
  }
}

const newUnreachable = (err: TransportError) =>
  newServiceUnavailable(`error trying to reach service: ${err.message}`);

/** The path up to and with `/proxy`, what follows, and the query with its mark. */
function splitProxyPath(path: string): { root: string; below: string; query: string } {
  const mark = path.indexOf("?");
  const [plain, query] = mark < 0 ? [path, ""] : [path.slice(0, mark), path.slice(mark)];
  // Namespaces and objects may be called "proxy" as well.
  const root = PROXY_ROOT.exec(plain)?.[0] ?? plain;
  return { root, below: plain.slice(root.length), query };
}

const PROXY_ROOT = /^\/+api\/+v1\/+(namespaces\/+[^/]+\/+)?[^/]+\/+[^/]+\/+proxy(?=\/|$)/;

/** Headers about one connection, and those by which the client is known to this server, go no further. */
const OWN_HEADERS = new Set([
  "authorization",
  "connection",
  "host",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "sec-websocket-extensions",
  "sec-websocket-key",
  "sec-websocket-protocol",
  "sec-websocket-version",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

const endToEnd = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).filter(([name]) => !OWN_HEADERS.has(name) && !name.startsWith("impersonate-")),
  );

/** The headers of a WebSocket's handshake, for a backend that does its part itself. */
const webSocketHeaders = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith("sec-websocket-")));

/** What the backend is told of the request (apimachinery pkg/util/proxy, and Go's reverse proxy). */
function forwarded<T extends KubeObject>(
  { request: { headers, remoteAddress } }: ActionCall<T>,
  root: string,
  below: string,
): Record<string, string> {
  const client = remoteAddress?.replace(/:\d+$/, "");
  const chain = [headers["x-forwarded-for"], client].filter((hop) => hop !== undefined && hop !== "");
  return {
    ...endToEnd(headers),
    "x-forwarded-uri": `${root}${below || "/"}`,
    ...(chain.length > 0 ? { "x-forwarded-for": chain.join(", ") } : {}),
  };
}
