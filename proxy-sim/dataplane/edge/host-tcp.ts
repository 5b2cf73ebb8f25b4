import { createServer, type Server, type Socket } from "node:net";
import type { SocketAddress } from "../../../machinery/network/network.js";

/** A TCP port of this machine. Closing it leaves open connections alone. */
export class HostTcpPort {
  readonly #server: Server;

  constructor(onConnection: (socket: Socket) => void) {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, onConnection);
  }

  /** Rejects with the system's error when the port is taken. */
  async bind({ ip, port }: SocketAddress): Promise<SocketAddress> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ host: ip, port, backlog: 4096 }, () => {
        // An accept that fails later (out of descriptors) loses that connection, not the process.
        this.#server.off("error", reject).on("error", () => {});
        resolve();
      });
    });
    const address = this.#server.address();
    return { ip, port: typeof address === "object" && address ? address.port : port };
  }

  close(): void {
    this.#server.close();
  }
}
