import type { Clock } from "../../../machinery/api/clock.js";
import type { CarrierSessions } from "../../../machinery/network/carrier-session.js";
import { handshakePacket } from "../../../machinery/network/handshake.js";
import { connectionPair, type OwnedConnection } from "../../../machinery/network/memory-pipe.js";
import { pumpBothWays } from "../../../machinery/network/relay.js";
import type { CarrierDialer, CarrierPath } from "../carrier-dialer.js";

/** Carriers of other processes. Where links may be broken, every stream passes through their delays and losses. */
export const liveDialer = (options: {
  clock: Clock;
  sessions: CarrierSessions;
  breakable: boolean;
}): CarrierDialer => ({
  async dial(path, signal) {
    const dial = (): Promise<OwnedConnection> =>
      options.sessions.dial(path.carrier, path.far.remote, path.far.local, signal);
    if (!options.breakable) return dial();
    await handshakePacket(options.clock, path.forth, signal);
    const connection = await dial();
    await handshakePacket(options.clock, path.back, signal);
    return throughLink(options.clock, path, connection);
  },
  sendDatagram(carrier, from, to, bytes, copies) {
    const send = (): void => options.sessions.to(carrier).sendDatagram(from, to, bytes);
    for (const latencyMs of copies) {
      if (latencyMs <= 0) send();
      else options.clock.setTimer(latencyMs, send);
    }
  },
});

function throughLink(clock: Clock, path: CarrierPath, connection: OwnedConnection): OwnedConnection {
  const [near, far] = connectionPair({ clock, ...path });
  // Resolves with the connection; resets and ends pass through it.
  void pumpBothWays(far, connection);
  return near;
}
