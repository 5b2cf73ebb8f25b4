import type { JobMessage, JobName, ServerName, ServerOptions } from "./jobs.js";

// A process of a benchmark: a load generator, a bare measurement or a floor's server. Does what the first message says and
// ends when its pipe closes, so that nothing outlives the run.

type Load = () => Promise<{ run: (options: never) => unknown }>;
const jobs: Readonly<Record<JobName, Load>> = {
  connections: () => import("./connections.js"),
  crowd: () => import("./crowd.js"),
  fetches: () => import("./fetches.js"),
  lookups: () => import("./lookups.js"),
  queries: () => import("./queries.js"),
  requests: () => import("./requests.js"),
  rows: () => import("./rows.js"),
  simulated: () => import("./simulated.js"),
  tables: () => import("./tables.js"),
  watchers: () => import("./watchers.js"),
};
const servers: Readonly<Record<ServerName, () => Promise<{ serve: (options: ServerOptions) => unknown }>>> = {
  https: () => import("../floors/https-server.js"),
  express: () => import("../floors/express-server.js"),
  http: () => import("../floors/http-server.js"),
  relay: () => import("../floors/tcp-relay.js"),
  "reverse-proxy": () => import("../floors/reverse-proxy.js"),
  datagrams: () => import("../floors/dgram-echo.js"),
};

async function perform(message: JobMessage): Promise<unknown> {
  if ("server" in message) {
    const { serve } = await servers[message.server]();
    return serve(message.options);
  }
  const { run } = await jobs[message.job]();
  return run(message.options as never);
}

process.once("disconnect", () => process.exit(0));
process.once("message", (message: JobMessage) => {
  perform(message).then(
    (result) => process.send?.({ result }),
    (err: unknown) =>
      process.send?.({ error: err instanceof Error ? (err.stack ?? err.message) : String(err) }),
  );
});
