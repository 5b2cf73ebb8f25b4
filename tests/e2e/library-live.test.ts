import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { LiveCluster } from "../testkit/live-cluster.js";

let cluster: LiveCluster;
beforeAll(async () => {
  cluster = await LiveCluster.up("library", "--chaos");
}, 60_000);
afterAll(() => cluster.dispose(), 60_000);

/** Of one scenario of the library on real processes: the exit code, and each invariant's verdict. */
async function ranLive(name: string): Promise<{ code: number; verdicts: Record<string, boolean> }> {
  const { code, stdout, stderr } = await cluster.cli(
    "chaos",
    "run",
    `manifests/chaos/${name}.yaml`,
    "-o",
    "json",
  );
  if (stdout === "") throw new Error(stderr);
  const report = JSON.parse(stdout) as { verdicts: { invariant: string; verdict: { held: boolean } }[] };
  const verdicts = report.verdicts.map(({ invariant, verdict }) => [invariant, verdict.held] as const);
  return { code, verdicts: Object.fromEntries(verdicts) };
}

test("an API server that is killed in the middle of a commit loses no write and no request", async () => {
  const { code, verdicts } = await ranLive("store-killed");

  expect(Object.entries(verdicts).filter(([, held]) => !held)).toEqual([]);
  expect(verdicts).toMatchObject({ "request-budget": true, "no-write-lost": true, recovery: true });
  expect(code).toBe(0);
}, 60_000);

test("proxies that cannot reach the API server go on sending to a pod that is gone, until they can", async () => {
  const { code, verdicts } = await ranLive("proxy-partition");

  expect(verdicts).toMatchObject({ "request-budget": false, "tables-as-seen": true, recovery: true });
  expect(code).toBe(1);
}, 60_000);

test("a rolling update without readiness sends requests to pods that do not listen yet", async () => {
  const { code, verdicts } = await ranLive("rolling-update-without-readiness");

  expect(verdicts).toMatchObject({ "request-budget": false, "only-selected-pods": true, recovery: true });
  expect(code).toBe(1);
}, 60_000);
