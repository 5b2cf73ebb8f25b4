import { expect, test } from "@jest/globals";
import { field } from "../machinery/api/field-error.js";
import { evaluate } from "./condition.js";
import { metricSum } from "./metric-sum.js";
import { condition } from "./scenario/condition-fields.js";
import { fakeClient } from "./testing/fake-client.js";
import { aDeployment, aNode, aPod } from "./testing/objects.js";

const { client } = fakeClient([
  aDeployment("web", { replicas: 3, available: 2 }),
  aDeployment("idle", { replicas: 0 }),
  aPod("a"),
  aPod("b", { ready: false }),
  aNode("node-1"),
]);

test.each<[unknown, boolean]>([
  ["deployment/web available == 2", true],
  ["deploy/web available >= 3", false],
  ["deployment/web {.status.availableReplicas} < 3", true],
  ["deployment/idle unavailable == 0", true],
  ["pods[app=web] count == 2", true],
  ["pods[app=web] ready == True", false],
  ["pod/a Ready == True", true],
  ["pod/a phase matches ^Run", true],
  ["pod/c absent", true],
  ["pod/c present", false],
  ["pod/c phase == Running", false],
  ["nodes ready == True", true],
  [{ resource: "deployment", name: "web", path: "available", comparator: "oneOf", value: [1, 2] }, true],
  [{ resource: "pods", selector: "app=web", count: ">", value: 2 }, false],
  [{ resource: "pod", name: "a", is: "present" }, true],
])("a condition asks the cluster: %j", async (written, held) => {
  const errors: never[] = [];
  const read = condition.read(written, field("when"), errors);

  expect(errors).toEqual([]);
  expect(read && (await evaluate({ client }, read)).held).toBe(held);
});

test("samples of a metric are summed over the labels that are not asked for", () => {
  const text = '# HELP x\nx{a="1",b="1"} 2\nx{a="1",b="2"} 3\nx{a="2"} 10\ny 4\n';

  expect(metricSum(text, 'x{a="1"}')).toBe(5);
  expect(metricSum(text, "x")).toBe(15);
  expect(metricSum(text, "y")).toBe(4);
  expect(metricSum(text, "z")).toBeUndefined();
});
