import type { CliEntry } from "./command.js";
import { processCommandOf } from "./process-entry.js";

/** Every verb of `kubesim`: the table of contents of `cli/commands/`. */
export const commands: readonly CliEntry[] = [
  {
    name: "start",
    group: "Cluster",
    summary: "Start a demo cluster in the foreground (npm start)",
    load: async () => (await import("./commands/start.js")).startCommand,
  },
  {
    name: "up",
    group: "Cluster",
    summary: "Start a cluster",
    load: async () => (await import("./commands/up.js")).upCommand,
  },
  {
    name: "down",
    group: "Cluster",
    summary: "Stop a cluster; its data stays",
    load: async () => (await import("./commands/down.js")).downCommand,
  },
  {
    name: "status",
    group: "Cluster",
    summary: "Show a cluster's processes",
    load: async () => (await import("./commands/status.js")).statusCommand,
  },
  {
    name: "reset",
    group: "Cluster",
    summary: "Stop a cluster and delete its data",
    load: async () => (await import("./commands/reset.js")).resetCommand,
  },
  {
    name: "get",
    group: "Objects",
    summary: "Display one or many resources",
    load: async () => (await import("./commands/get.js")).getCommand,
  },
  {
    name: "apiserver",
    group: "Processes",
    summary: "Run the API server",
    load: processCommandOf(async () => (await import("../apiserver/main.js")).main),
  },
  {
    name: "controllers",
    group: "Processes",
    summary: "Run the controllers and the scheduler",
    load: processCommandOf(async () => (await import("../controllers/main.js")).main),
  },
  {
    name: "kubelet",
    group: "Processes",
    summary: "Run the fake kubelets",
    load: processCommandOf(async () => (await import("../kubelet-sim/main.js")).main),
  },
  {
    name: "proxy",
    group: "Processes",
    summary: "Run the proxy",
    load: processCommandOf(async () => (await import("../proxy-sim/main.js")).main),
  },
  {
    name: "dataplane",
    group: "Processes",
    summary: "Run the data plane",
    load: processCommandOf(async () => (await import("../proxy-sim/dataplane/main.js")).main),
  },
];
