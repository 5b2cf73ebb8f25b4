import { Command, Option } from "commander";

/** Every process takes these beside its own. */
export interface CommonOptions {
  kubeconfig?: string;
  /** Unix socket of the admin server. */
  adminSocket?: string;
  /** Unix socket on which this process carries the virtual network. */
  carrier?: string;
  /** Unix socket of the data plane's carrier: the way out of this process. */
  dataplane?: string;
  /** File with the token that every preamble of the carrier must show. */
  clusterTokenFile?: string;
  /** Names a run; absent means one nobody chose. */
  seed?: string;
  logLevel: "debug" | "info" | "warn" | "error";
  /** Whether fault points may be used. */
  chaos?: boolean;
  /** File descriptor of the supervisor's pipe; the process exits when it closes. */
  supervisorFd?: string;
}

/** A command with the common options; add the process's own and call `parse`. */
export const processCommand = (name: string, description: string): Command =>
  new Command(name)
    .description(description)
    .option("--kubeconfig <file>", "credentials and address of the API server")
    .option("--admin-socket <path>", "Unix socket for health, metrics and control")
    .option("--carrier <path>", "Unix socket on which this process carries the virtual network")
    .option("--dataplane <path>", "Unix socket of the data plane's carrier")
    .option("--cluster-token-file <path>", "file with the carrier's token")
    .option("--seed <text>", "seed of every random choice")
    .option("--chaos", "let faults be injected through the admin socket")
    .option("--supervisor-fd <fd>", "exit when this pipe closes")
    .addOption(
      new Option("--log-level <level>", "least severe record to log")
        .choices(["debug", "info", "warn", "error"])
        .default("info"),
    );
