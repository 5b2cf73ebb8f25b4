import type { run as runConnections } from "./connections.js";
import type { run as runCrowd } from "./crowd.js";
import type { run as runFetches } from "./fetches.js";
import type { run as runLookups } from "./lookups.js";
import type { run as runQueries } from "./queries.js";
import type { run as runRequests } from "./requests.js";
import type { run as runRows } from "./rows.js";
import type { run as runSimulated } from "./simulated.js";
import type { run as runTables } from "./tables.js";
import type { run as runWatchers } from "./watchers.js";

/** What a bench process can do, as the two ends of its pipe know it. */
interface Jobs {
  connections: typeof runConnections;
  crowd: typeof runCrowd;
  fetches: typeof runFetches;
  lookups: typeof runLookups;
  queries: typeof runQueries;
  requests: typeof runRequests;
  rows: typeof runRows;
  simulated: typeof runSimulated;
  tables: typeof runTables;
  watchers: typeof runWatchers;
}
export type JobName = keyof Jobs;
export type JobOptions<N extends JobName> = Parameters<Jobs[N]>[0];
export type JobResult<N extends JobName> = Awaited<ReturnType<Jobs[N]>>;

export type ServerName = "https" | "express" | "http" | "relay" | "reverse-proxy" | "datagrams";
export interface ServerOptions {
  /** PEM; absent: plain text. */
  tls?: { key: string; cert: string };
  /** Where a server that stores keeps its database. */
  file?: string;
  /** Where a relay leads. */
  upstreamPort?: number;
  /** What it says there first, when that is a carrier. */
  preamble?: string;
  /** What a GET is answered with. */
  body?: string;
}

export type JobMessage =
  | { job: JobName; options: JobOptions<JobName> }
  | { server: ServerName; options: ServerOptions };
