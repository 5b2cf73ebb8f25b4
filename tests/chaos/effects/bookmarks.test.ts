import { afterEach, expect, test } from "@jest/globals";
import { configMaps } from "../../../machinery/api/core-v1.js";
import { app, Lab, service } from "./lab.js";

let lab: Lab;
afterEach(() => lab.stop());

/** What a proxy lists again when its watches are reset after two minutes in which nothing of its own changed. */
async function listsAfterPause(starved: boolean): Promise<string[]> {
  lab = await Lab.start({ historyMs: 30_000, manifests: [app("web"), service("web")] });
  const target = { component: "proxy" as const };
  if (starved) await lab.inject("bookmark-starvation", { target });
  for (let i = 0; i < 12; i++) {
    await lab.run(10_000);
    await lab.do(
      lab.client.create(configMaps, { metadata: { name: `c${i}`, namespace: "default" }, data: {} }),
    );
  }
  const seen = lab.requests("kube-proxy");
  await lab.inject("watch-disconnect", { target });
  await lab.run(10_000);
  return seen.filter((path) => path.includes("services") && !path.includes("watch="));
}

test("bookmark-starvation: after a pause a watch cannot be resumed, and the proxy lists again", async () => {
  expect(await listsAfterPause(true)).not.toEqual([]);
});

test("with bookmarks a watch is resumed without a list", async () => {
  expect(await listsAfterPause(false)).toEqual([]);
});
