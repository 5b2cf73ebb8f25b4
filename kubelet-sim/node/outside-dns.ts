import type { Clock } from "../../machinery/api/clock.js";
import type { Logger } from "../../machinery/api/logger.js";
import { whenAborted } from "../../machinery/api/when-aborted.js";
import { DnsServer } from "../../machinery/dns/dns-server.js";
import { OutsideZone } from "../../machinery/dns/outside-zone.js";
import { parseZoneFile, ZoneFileError } from "../../machinery/dns/zone-file.js";
import type { VirtualNetwork } from "../../machinery/network/virtual-network.js";
import { OUTSIDE_DNS_IP } from "./node-config.js";

export interface OutsideDnsOptions {
  network: VirtualNetwork;
  clock: Clock;
  logger: Logger;
  /** The file of outside names as it is now. Default: no name exists. */
  readNames?: () => string;
}

const REREAD_MS = 1000;

/**
 * The name server that the nodes' own resolv.conf names. It knows the names of one file and asks nobody: without the file,
 * no name outside of the cluster exists.
 */
export class OutsideDns {
  readonly #options: OutsideDnsOptions;
  #text = "";
  #zone = new OutsideZone([]);
  #readAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: OutsideDnsOptions) {
    this.#options = options;
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { network, clock, logger } = this.#options;
    const host = network.addHost(OUTSIDE_DNS_IP);
    const server = new DnsServer({
      network: host,
      clock,
      logger,
      answer: ({ question }) => this.#names().answer(question),
    });
    const served = server.run();
    await whenAborted(signal);
    server.stop();
    host.remove("vanish");
    await served;
  }

  /** The file's names; a broken file changes nothing. */
  #names(): OutsideZone {
    const { clock, readNames, logger } = this.#options;
    const nowMs = clock.monotonicMs();
    if (!readNames || nowMs - this.#readAtMs < REREAD_MS) return this.#zone;
    this.#readAtMs = nowMs;
    const text = readNames();
    if (text === this.#text) return this.#zone;
    this.#text = text;
    try {
      this.#zone = new OutsideZone(parseZoneFile(text));
    } catch (err) {
      if (!(err instanceof ZoneFileError)) throw err;
      logger.warn("The file of outside names is wrong, the names before it stay", { err });
    }
    return this.#zone;
  }
}
