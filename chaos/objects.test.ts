import { expect, test } from "@jest/globals";
import type { Fault } from "./fault.js";
import { objectFaults } from "./faults/objects.js";
import { aService } from "./testing/objects.js";
import { tryFault } from "./testing/try-fault.js";

const named = (name: string): Fault => {
  const found = objectFaults.find((fault) => fault.name === name);
  if (!found) throw new RangeError(name);
  return found;
};

test("a step patches any object", async () => {
  const tried = await tryFault(named("patch"), {
    objects: [aService("web")],
    parameters: { object: "svc/web", patch: { spec: { selector: { app: "other" } } } },
  });

  await tried.inject();
  await tried.heal();

  expect(tried.client.calls).toEqual(["patch services default/web"]);
  expect(tried.client.objects.get("Service default/web")).toMatchObject({
    spec: { selector: { app: "other" } },
  });
});

test("a step deletes any object, and one that is gone is no failure", async () => {
  const tried = await tryFault(named("delete"), {
    objects: [aService("web")],
    parameters: { object: "service/web" },
  });

  await tried.inject();
  await tried.inject();

  expect(tried.client.calls).toEqual(["delete services default/web"]);
});

test("a step applies objects", async () => {
  const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "new" }, data: { a: "1" } };
  const tried = await tryFault(named("apply"), { parameters: { objects: [object] } });

  await tried.inject();

  expect(tried.client.calls).toEqual(["create configmaps default/new"]);
});

test("what is no object is told before anything happens", async () => {
  await expect(tryFault(named("delete"), { parameters: { object: "web" } })).rejects.toThrow(
    '"web" is no object: say kind/name, such as service/web',
  );
});
