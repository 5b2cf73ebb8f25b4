import { expect, test } from "@jest/globals";
import { EventExpiry } from "../apiserver/event-expiry.js";
import { allResources } from "../apiserver/registry/resources.js";
import { events } from "../machinery/api/core-v1.js";
import { silentLogger } from "../machinery/api/logger.js";
import { directTransport } from "../machinery/client/direct-transport.js";
import { systemClock } from "../machinery/runtime/system-clock.js";
import { ApiClient } from "./conformance/api-client.js";
import { inProcessApi } from "./testkit/in-process-api.js";

const EVENTS = "/api/v1/namespaces/default/events";
const HOUR_MS = 3_600_000;

test("an Event goes an hour after it last happened", async () => {
  const server = await inProcessApi(allResources());
  const api = new ApiClient(directTransport(server));
  const clock = systemClock();
  const later = clock.nowMs() + 2 * HOUR_MS;
  const involvedObject = { kind: "Pod", namespace: "default", name: "a" };
  await api.post(EVENTS, { metadata: { name: "once" }, involvedObject });
  await api.post(EVENTS, {
    metadata: { name: "still" },
    involvedObject,
    lastTimestamp: new Date(later - HOUR_MS / 2).toISOString().replace(/\.\d+/, ""),
  });
  const at = (ms: number) => clock.view({ offsetMs: ms });
  const sweep = (ms: number) =>
    new EventExpiry({ events: server.store(events), clock: at(ms), logger: silentLogger }).sweep();

  expect(await sweep(0)).toBe(0);
  expect(await sweep(2 * HOUR_MS)).toBe(1);

  expect((await api.get(EVENTS)).body.items?.map(({ metadata }) => metadata.name)).toEqual(["still"]);
});
