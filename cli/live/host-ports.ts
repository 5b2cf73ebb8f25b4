/** A socket of this machine that stands for a node's address, as the data plane reports it. */
export interface HostPort {
  servicePort: string;
  node: string;
  /** `127.0.0.1:30080`. */
  wanted: string;
  /** The same, or the free port used instead; absent when nothing listens. */
  actual?: string;
  problem?: string;
}

/** The port on 127.0.0.1 that answers for a node port; undefined while nothing listens. */
export function localPortOf(hostPorts: readonly HostPort[], nodePort: number): number | undefined {
  const found = hostPorts.find(({ wanted, actual }) => actual && wanted === `127.0.0.1:${nodePort}`);
  return found?.actual ? Number(found.actual.split(":").pop()) : undefined;
}
