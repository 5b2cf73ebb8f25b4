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
    name: "demo",
    group: "Cluster",
    summary: "Watch a Service survive the death of its pods, step by step",
    load: async () => (await import("./commands/demo.js")).demoCommand,
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
    name: "describe",
    group: "Objects",
    summary: "Show details of a specific resource or group of resources",
    load: async () => (await import("./commands/describe.js")).describeCommand,
  },
  {
    name: "explain",
    group: "Objects",
    summary: "Get documentation for a resource",
    load: async () => (await import("./commands/explain.js")).explainCommand,
  },
  {
    name: "apply",
    group: "Objects",
    summary: "Apply a configuration to a resource by file name or stdin (--watch keeps a folder applied)",
    load: async () => (await import("./commands/apply.js")).applyCommand,
  },
  {
    name: "create",
    group: "Objects",
    summary: "Create a resource from a file or from stdin",
    load: async () => (await import("./commands/create.js")).createCommand,
  },
  {
    name: "delete",
    group: "Objects",
    summary: "Delete resources by file names, stdin, resources and names, or by label selector",
    load: async () => (await import("./commands/delete.js")).deleteCommand,
  },
  {
    name: "scale",
    group: "Objects",
    summary: "Set a new size for a deployment or replica set",
    load: async () => (await import("./commands/scale.js")).scaleCommand,
  },
  {
    name: "label",
    group: "Objects",
    summary: "Update the labels on a resource",
    load: async () => (await import("./commands/label.js")).labelCommand,
  },
  {
    name: "annotate",
    group: "Objects",
    summary: "Update the annotations on a resource",
    load: async () => (await import("./commands/annotate.js")).annotateCommand,
  },
  {
    name: "patch",
    group: "Objects",
    summary: "Update fields of a resource",
    load: async () => (await import("./commands/patch.js")).patchCommand,
  },
  {
    name: "rollout",
    group: "Objects",
    summary: "Manage the rollout of a resource",
    load: async () => (await import("./commands/rollout.js")).rolloutCommand,
  },
  {
    name: "logs",
    group: "Objects",
    summary: "Print the logs for a container in a pod",
    load: async () => (await import("./commands/logs.js")).logsCommand,
  },
  {
    name: "wait",
    group: "Objects",
    summary: "Wait for a specific condition on one or many resources",
    load: async () => (await import("./commands/wait.js")).waitCommand,
  },
  {
    name: "exec",
    group: "Objects",
    summary: "Execute a command in a container",
    load: async () => (await import("./commands/exec.js")).execCommand,
  },
  {
    name: "run",
    group: "Objects",
    summary: "Run a particular image on the cluster",
    load: async () => (await import("./commands/run.js")).runCommand,
  },
  {
    name: "chaos",
    group: "Chaos",
    summary: "Run a scripted scenario of faults and judge it",
    load: async () => (await import("./commands/chaos.js")).chaosCommand,
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
