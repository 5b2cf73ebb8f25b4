/** How many connections each node has open to each endpoint, by the address that was dialled: what IPVS counts. */
export class ActiveConnections {
  readonly #counts = new Map<string, number>();

  began(flow: CountedFlow): void {
    const key = keyOf(flow);
    if (key !== undefined) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  ended(flow: CountedFlow): void {
    const key = keyOf(flow);
    if (key === undefined) return;
    const left = (this.#counts.get(key) ?? 0) - 1;
    if (left > 0) this.#counts.set(key, left);
    else this.#counts.delete(key);
  }

  /** `destination` and `backend` with their ports. */
  count(node: string, destination: string, backend: string): number {
    return this.#counts.get(`${node} ${destination} ${backend}`) ?? 0;
  }
}

interface CountedFlow {
  node?: string;
  destination: string;
  backend?: string;
}

const keyOf = ({ node, destination, backend }: CountedFlow): string | undefined =>
  node === undefined || backend === undefined ? undefined : `${node} ${destination} ${backend}`;
