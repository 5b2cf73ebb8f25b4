/** What this benchmark reads of the proxy's timeline: one change and when tables had it. */
export interface TimelineEntry {
  /** `EndpointSlice default/web-x7k2p` */
  object: string;
  receivedMs: number;
  /** Of the slice; absent for a Service. */
  readyEndpoints?: number;
  programmed: readonly { atMs: number; nodeCount: number }[];
}

/** When the last of so many nodes had it; undefined while one has not. */
export function completedMs({ programmed }: TimelineEntry, nodes: number): number | undefined {
  const count = programmed.reduce((sum, { nodeCount }) => sum + nodeCount, 0);
  return count >= nodes ? Math.max(...programmed.map(({ atMs }) => atMs)) : undefined;
}
