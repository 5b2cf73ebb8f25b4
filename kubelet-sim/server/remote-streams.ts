import type { Clock } from "../../machinery/api/clock.js";
import type { UpgradeRequest } from "../../machinery/api/http.js";
import { Refused } from "./refused.js";
import { SPDY_PROTOCOLS, SpdyStreams } from "./spdy-streams.js";
import type { RemoteStreams, StreamRequest } from "./stream-session.js";
import { WEBSOCKET_PROTOCOLS, WebSocketStreams } from "./websocket-streams.js";

/**
 * A container runtime is never quicker than this to start or join a program, and kubectl up to 1.32 counts on it: what
 * arrives over a WebSocket before it has made its streams is thrown away.
 */
const START_MS = 20;

/**
 * Accepts the upgrade of exec or attach. Undefined when the client did not open its streams; throws Refused when there
 * is no protocol that both sides know.
 */
export async function acceptStreams(
  upgrade: UpgradeRequest,
  request: StreamRequest,
  clock: Clock,
): Promise<RemoteStreams | undefined> {
  if (upgrade.kind === "SPDY/3.1") {
    const protocol = negotiate(upgrade.protocols, SPDY_PROTOCOLS);
    const streams = new SpdyStreams(upgrade.accept(protocol ?? ""), protocol ?? "channel.k8s.io", request);
    return (await streams.opened(clock)) ? streams : undefined;
  }
  const protocol = WEBSOCKET_PROTOCOLS.find((known) => upgrade.protocols.includes(known));
  if (!protocol) throw new Refused(400, "unable to upgrade: unsupported subprotocol");
  const streams = new WebSocketStreams(upgrade.accept(protocol), protocol);
  await clock.sleep(START_MS);
  return streams;
}

// Upstream: apimachinery pkg/util/httpstream Handshake.
/** The first of the client's protocols that is known; undefined when it names none. Throws Refused when it knows others. */
export function negotiate<P extends string>(offered: readonly string[], known: readonly P[]): P | undefined {
  if (offered.length === 0) return undefined;
  for (const protocol of offered) {
    const found = known.find((candidate) => candidate === protocol);
    if (found) return found;
  }
  throw new Refused(
    403,
    `unable to upgrade: unable to negotiate protocol: client supports [${offered.join(" ")}], server accepts [${known.join(" ")}]`,
    { "x-accepted-stream-protocol-versions": known.join(", ") },
  );
}
