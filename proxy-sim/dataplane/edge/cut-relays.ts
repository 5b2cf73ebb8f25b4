import type { Socket } from "node:net";
import type { Links } from "../../../machinery/network/links.js";

interface Relay {
  source: string;
  destination: string;
  a: Socket;
  b: Socket;
  stopped: boolean;
}

/** Stops the bytes of relays whose link is cut, and lets them go on when it heals: TCP would send them again. */
export class CutRelays {
  readonly #links: Links;
  readonly #relays = new Set<Relay>();

  constructor(links: Links) {
    this.#links = links;
    links.onChange(() => {
      for (const relay of this.#relays) this.#apply(relay);
    });
  }

  /** Answers how to forget the relay. */
  add(link: { source: string; destination: string }, a: Socket, b: Socket): () => void {
    const relay: Relay = { ...link, a, b, stopped: false };
    this.#relays.add(relay);
    return () => this.#relays.delete(relay);
  }

  #apply(relay: Relay): void {
    const { source, destination, a, b } = relay;
    const cut = this.#links.isCut(source, destination) || this.#links.isCut(destination, source);
    if (cut === relay.stopped) return;
    relay.stopped = cut;
    if (cut) {
      a.unpipe(b);
      b.unpipe(a);
      a.pause();
      b.pause();
    } else {
      a.pipe(b, { end: false });
      b.pipe(a, { end: false });
    }
  }
}
