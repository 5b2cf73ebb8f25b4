import { CannotRun } from "../../chaos/cannot-run.js";
import { type JournalOptions, newJournal } from "../../chaos/reports/journal.js";
import { runScenario } from "../../chaos/runner.js";
import type { Scenario } from "../../chaos/scenario/types.js";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import type { CliContext } from "../command.js";
import { connect } from "../connect.js";
import { liveCluster } from "../live/live-cluster.js";
import { type ChaosFlags, HELD, VIOLATED } from "./flags.js";
import { tellJournal, writeUnjudged } from "./tell.js";

/** A scenario against a running cluster. Rejects with CannotRun, after what there is went into the report files. */
export async function runLive(
  scenario: Scenario,
  file: string,
  options: ChaosFlags,
  context: CliContext,
): Promise<number> {
  const { client, kubeconfig } = connect(
    {
      ...(options.kubeconfig ? { kubeconfig: options.kubeconfig } : {}),
      ...(options.name ? { name: options.name } : {}),
    },
    context,
  );
  const cluster = liveCluster(client, kubeconfig, context);
  const say = (line: string): void => {
    if (options.output !== "json") context.stdout.write(`${line}\n`);
  };
  const about: Omit<JournalOptions, "report"> = {
    scenario,
    mode: "live",
    replay: `kubesim chaos run ${file} --seed ${scenario.seed}`,
  };
  say(`scenario ${scenario.name}, seed ${scenario.seed}, ${scenario.durationMs / 1000} s`);
  try {
    const report = await runScenario({
      scenario,
      cluster,
      rng: seededRng(scenario.seed),
      signal: context.signal,
      onEvent: (line) => say(`  ${line}`),
    });
    tellJournal(newJournal({ ...about, report }), options, context);
    return report.held ? HELD : VIOLATED;
  } catch (err) {
    if (err instanceof CannotRun) writeUnjudged(err, about, options);
    throw err;
  } finally {
    cluster.close();
  }
}
