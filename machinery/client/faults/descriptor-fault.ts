import { type Transport, TransportError } from "../../api/http.js";
import { ActiveFaults } from "../../runtime/active-faults.js";
import { type ConnectionLimit, withinLimit } from "../../runtime/connection-limit.js";
import { FaultParameters } from "../../runtime/fault-parameters.js";

/** Counts what was opened since the fault began. */
interface DescriptorFault extends ConnectionLimit {
  /** Absent means all. */
  clients: ReadonlySet<string> | undefined;
}

/** A process that runs out of file descriptors: beyond a number it opens no connection. */
export class DescriptorFaults {
  readonly #active = new ActiveFaults<DescriptorFault>();

  /** Throws RangeError. */
  inject(values: Readonly<Record<string, unknown>>): () => void {
    const read = new FaultParameters(values, ["clients", "most"]);
    return this.#active.add({ clients: read.texts("clients"), most: read.number("most"), open: 0 });
  }

  guard(inner: Transport, client: string): Transport {
    return {
      request: (request, signal) => {
        const ask = () => inner.request(request, signal);
        const fault = this.#active.none
          ? undefined
          : this.#active.find(({ clients }) => clients?.has(client) ?? true);
        return fault ? withinLimit(fault, noDescriptor, ask) : ask();
      },
      upgrade: (request, protocols, signal) => inner.upgrade(request, protocols, signal),
    };
  }
}

const noDescriptor = (): Error => new TransportError("dial tcp: socket: too many open files");
