import {
  type Connection,
  type ConnectOptions,
  type Listener,
  type Network,
  type SocketAddress,
  type UdpSocket,
} from "../../machinery/network/network.js";
import { ProcessEnded } from "../images/process.js";

/** The pod's network as one program uses it: what the program leaves open is closed when it ends, as by a kernel. */
export class ProcessNetwork implements Network {
  readonly #network: Network;
  readonly #signal: () => AbortSignal;
  #open: Set<{ close(): void }> | undefined = new Set();

  constructor(network: Network, signal: () => AbortSignal) {
    this.#network = network;
    this.#signal = signal;
  }

  get ip(): string {
    return this.#network.ip;
  }

  get ips(): readonly string[] {
    return this.#network.ips;
  }

  async connect(to: SocketAddress, options: ConnectOptions = {}): Promise<Connection> {
    if (!this.#open) throw new ProcessEnded();
    const own = this.#signal();
    const signal = options.signal ? AbortSignal.any([own, options.signal]) : own;
    return this.#adopt(await this.#network.connect(to, { ...options, signal }));
  }

  listen(port: number, accept: (connection: Connection) => void, options?: { ip?: string }): Listener {
    const open = this.#open;
    if (!open) throw new ProcessEnded();
    const listener = this.#network.listen(port, (connection) => accept(this.#adopt(connection)), options);
    open.add(listener);
    return {
      address: listener.address,
      close: () => {
        open.delete(listener);
        listener.close();
      },
    };
  }

  bindUdp(port: number): UdpSocket {
    const open = this.#open;
    if (!open) throw new ProcessEnded();
    const socket = this.#network.bindUdp(port);
    open.add(socket);
    return {
      address: socket.address,
      send: (to, bytes) => socket.send(to, bytes),
      receive: () => socket.receive(),
      close: () => {
        open.delete(socket);
        socket.close();
      },
    };
  }

  /** Closes everything that is still open. */
  free(): void {
    const open = this.#open;
    this.#open = undefined;
    for (const resource of open ?? []) resource.close();
  }

  #adopt(connection: Connection): Connection {
    const open = this.#open;
    if (!open) {
      connection.reset();
      throw new ProcessEnded();
    }
    const owned = new OwnedConnection(connection);
    open.add(owned);
    owned.closed.then(
      () => open.delete(owned),
      () => {},
    );
    return owned;
  }
}

class OwnedConnection implements Connection {
  readonly #inner: Connection;
  #reading: Promise<Uint8Array | undefined> | undefined;
  #ownerEnded = false;

  constructor(inner: Connection) {
    this.#inner = inner;
  }

  get local(): SocketAddress {
    return this.#inner.local;
  }
  get remote(): SocketAddress {
    return this.#inner.remote;
  }
  get closed(): Promise<void> {
    return this.#inner.closed;
  }

  async read(): Promise<Uint8Array | undefined> {
    if (this.#ownerEnded) throw new ProcessEnded();
    this.#reading = this.#inner.read();
    const bytes = await this.#reading;
    this.#reading = undefined;
    if (this.#ownerEnded) throw new ProcessEnded();
    return bytes;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#ownerEnded) throw new ProcessEnded();
    await this.#inner.write(bytes);
    if (this.#ownerEnded) throw new ProcessEnded();
  }

  end(): void {
    this.#inner.end();
  }

  reset(): void {
    this.#inner.reset();
  }

  /** What a kernel does with the socket of a dead program: FIN, then RST as soon as the peer sends more. */
  close(): void {
    this.#ownerEnded = true;
    this.#inner.end();
    (this.#reading ?? this.#inner.read()).then(
      (bytes) => {
        if (bytes) this.#inner.reset();
      },
      () => {},
    );
  }
}
