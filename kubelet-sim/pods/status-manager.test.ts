import { expect, test } from "@jest/globals";
import { silentLogger } from "../../machinery/api/logger.js";
import type { Pod, PodStatus } from "../../machinery/api/core-v1.js";
import type { RestClient } from "../../machinery/client/rest-client.js";
import { systemClock } from "../../machinery/runtime/system-clock.js";
import { StatusManager } from "./status-manager.js";

const podWith = (message: string, version: number): Pod =>
  ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace: "default", name: "web", uid: "u1", resourceVersion: String(version) },
    spec: { containers: [] },
    status: { phase: "Running", message },
  }) as unknown as Pod;
const running = (message: string): PodStatus => podWith(message, 1).status;

/** Sets a second status this many microtasks after the first was answered. */
async function secondAfter(microtasks: number): Promise<string | undefined> {
  let stored = podWith("none", 1);
  let version = 1;
  let answered = (): void => {};
  const client = {
    patch: (_pods: unknown, _at: unknown, { body }: { body: { status: PodStatus } }) => {
      stored = podWith(body.status.message ?? "", ++version);
      answered();
      return Promise.resolve(stored);
    },
  } as unknown as RestClient;
  const { signal } = new AbortController();
  const manager = new StatusManager({ client, clock: systemClock(), logger: silentLogger, signal });
  const first = new Promise<void>((resolve) => (answered = resolve));
  const pod = stored;
  manager.set(pod, running("first"));
  await first;
  for (let i = 0; i < microtasks; i++) await Promise.resolve();
  manager.set(pod, running("second"));
  await manager.flush("u1");
  return stored.status.message;
}

test("a status set at whatever moment of the write before it reaches the server", async () => {
  const found: (string | undefined)[] = [];
  for (let microtasks = 0; microtasks < 20; microtasks++) found.push(await secondAfter(microtasks));
  expect(found).toEqual(Array.from({ length: 20 }, () => "second"));
});
