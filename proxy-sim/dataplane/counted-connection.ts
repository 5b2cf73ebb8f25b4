import type { OwnedConnection } from "../../machinery/network/memory-pipe.js";
import { ConnectionError, type SocketAddress } from "../../machinery/network/network.js";
import type { FlowLog, FlowRecord } from "./flow-log.js";

/** The client's end of a flow: counts its bytes into the flow log and tells it how the flow ended. */
export class CountedConnection implements OwnedConnection {
  readonly #inner: OwnedConnection;
  readonly #record: FlowRecord;
  #broken = false;

  constructor(inner: OwnedConnection, record: FlowRecord, flows: FlowLog) {
    this.#inner = inner;
    this.#record = record;
    void inner.closed.then(() => flows.ended(record, this.#broken ? "reset" : "open"));
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
    try {
      const bytes = await this.#inner.read();
      this.#record.receivedBytes += bytes?.length ?? 0;
      return bytes;
    } catch (err) {
      if (err instanceof ConnectionError) this.#broken = true;
      throw err;
    }
  }

  write(bytes: Uint8Array): Promise<void> {
    this.#record.sentBytes += bytes.length;
    return this.#inner.write(bytes);
  }

  end(): void {
    this.#inner.end();
  }

  reset(): void {
    this.#broken = true;
    this.#inner.reset();
  }

  vanish(): void {
    this.#broken = true;
    this.#inner.vanish();
  }
}
