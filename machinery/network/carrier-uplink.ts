import { CarrierSession } from "./carrier-session.js";
import type { Uplink } from "./uplink.js";

/** The way out of a process: everything goes to the data plane's carrier. */
export function carrierUplink(dataplaneSocketPath: string, clusterToken: string): Uplink & { close(): void } {
  const session = new CarrierSession(dataplaneSocketPath, clusterToken);
  return {
    dial: (from, to, signal) => session.dial(from, to, signal),
    sendDatagram: (from, to, bytes) => session.sendDatagram(from, to, bytes),
    close: () => session.close(),
  };
}
