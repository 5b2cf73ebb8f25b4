import type { Datagram, SocketAddress, UdpSocket } from "../../machinery/network/network.js";
import type { Process } from "./process.js";

interface Kept {
  socket: UdpSocket;
  /** Asked for by a request that gave up; whoever has the socket next gets it. */
  receiving?: Promise<Datagram | undefined>;
}

/** One datagram there, the first one back is the answer. */
export class DatagramClient {
  readonly #process: Process;
  readonly #idle: Kept[] = [];

  constructor(process: Process) {
    this.#process = process;
  }

  /**
   * True once answered, false when `late` came first. With `keep` the socket is used again, as resolvers and games do: what
   * it sends stays one flow to every kernel on the way.
   */
  async ask(
    to: SocketAddress,
    bytes: Uint8Array,
    {
      keep,
      late,
      opened,
    }: { keep: boolean; late: Promise<undefined>; opened: (local: SocketAddress) => void },
  ): Promise<boolean> {
    const kept = this.#idle.pop() ?? { socket: this.#process.network.bindUdp(0) };
    try {
      opened(kept.socket.address);
      kept.socket.send(to, bytes);
      kept.receiving ??= kept.socket.receive();
      const answer = await Promise.race([kept.receiving, late]);
      if (answer) delete kept.receiving;
      return answer !== undefined;
    } finally {
      if (keep) this.#idle.push(kept);
      else kept.socket.close();
    }
  }
}
