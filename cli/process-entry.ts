import type { CliCommand } from "./command.js";

/** A process of the cluster as a verb: `kubesim proxy --kubeconfig …`. */
export const processCommandOf =
  (load: () => Promise<(argv: readonly string[]) => Promise<void>>) => async (): Promise<CliCommand> => {
    const main = await load();
    return {
      async run(args) {
        await main(args);
        return 0;
      },
    };
  };
