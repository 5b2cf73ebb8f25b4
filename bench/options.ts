import { Command } from "commander";

export interface BenchOptions {
  quick: boolean;
  only?: readonly string[];
  /** Where the result file goes. */
  results: string;
}

export const parseBenchOptions = (argv: readonly string[], results: string): BenchOptions =>
  new Command("npm run bench --")
    .description("Measures the cluster beside what the machine can do at best.")
    .option("--quick", "smaller sizes and fewer rounds, in about two minutes", false)
    .option("--only <names...>", "just these benchmarks")
    .option("--results <dir>", "where the JSON goes", results)
    .parse([...argv], { from: "user" })
    .opts<BenchOptions>();
