import { familyOf, type IpFamily } from "../../machinery/network/addresses.js";
import type { SocketAddress } from "../../machinery/network/network.js";
import type { Datagrams } from "./datagrams.js";

const FIRST_PORT = 1024;
const LAST_PORT = 65_535;

export interface HostExchange {
  send(bytes: Uint8Array): void;
  close(): void;
}

/** UDP from the host into the cluster: the host's addresses are the data plane's own, so answers end here. */
export class HostDatagrams {
  readonly #datagrams: Datagrams;
  readonly #ips: Readonly<Record<IpFamily, string>>;
  readonly #open = new Map<number, (bytes: Uint8Array) => void>();
  #next = FIRST_PORT;

  constructor(datagrams: Datagrams, ips: Readonly<Record<IpFamily, string>>) {
    this.#datagrams = datagrams;
    this.#ips = ips;
    for (const ip of Object.values(ips))
      datagrams.addSink(ip, (to, bytes) => {
        this.#open.get(to.port)?.(bytes);
        return true;
      });
  }

  /** `enteredAt` is the node whose address the host used; absent, the host reaches Services as the API server does. */
  open(to: SocketAddress, onAnswer: (bytes: Uint8Array) => void, enteredAt?: string): HostExchange {
    const port = this.#freePort();
    this.#open.set(port, onAnswer);
    return {
      send: (bytes) => this.#datagrams.send({ ip: this.#ips[familyOf(to.ip)], port }, to, bytes, enteredAt),
      close: () => {
        this.#open.delete(port);
      },
    };
  }

  #freePort(): number {
    for (let tries = FIRST_PORT; tries <= LAST_PORT; tries++) {
      const port = this.#next;
      this.#next = port === LAST_PORT ? FIRST_PORT : port + 1;
      if (!this.#open.has(port)) return port;
    }
    throw new RangeError("too many UDP exchanges from the host");
  }
}
