import { afterAll, expect, test } from "@jest/globals";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../machinery/runtime/system-clock.js";
import type { CliContext } from "../command.js";
import { ClusterDir, prepareDataDir } from "../supervisor/cluster.js";
import { upCommand } from "./up.js";

const dataDir = mkdtempSync(join(tmpdir(), "kubesim-up-"));
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

test("a background start that fails says why, and only what this start wrote", async () => {
  const dir = new ClusterDir(dataDir);
  prepareDataDir(dir);
  writeFileSync(dir.log("supervisor"), "the trouble of last week\n");
  const context = { clock: systemClock(), signal: new AbortController().signal } as unknown as CliContext;
  // Sources have no main.js beside them, so what is started ends at once.
  const failure = await Promise.resolve(
    upCommand.run(["--detach", "--nodes", "0", "--data-dir", dataDir], context),
  ).catch((err: unknown) => String(err));
  expect(failure).toContain(`its log is ${dir.log("supervisor")}`);
  expect(failure).toContain("Cannot find module");
  expect(failure).not.toContain("last week");
});
