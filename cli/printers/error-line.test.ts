import { expect, test } from "@jest/globals";
import { newInvalid } from "../../machinery/api/field-error.js";
import { newNotFound, StatusError } from "../../machinery/api/status.js";
import { errorLine } from "./error-line.js";

const required = (field: string) => ({ type: "FieldValueRequired", field, body: "Required value" }) as const;
const invalidPod = (...fields: string[]) =>
  newInvalid({ group: "", kind: "Pod" }, "web", fields.map(required));

test("an object with one fault is told in one line", () => {
  expect(errorLine(invalidPod("spec.containers"))).toBe(
    'The Pod "web" is invalid: spec.containers: Required value',
  );
});

test("several faults are told one below the other", () => {
  expect(errorLine(invalidPod("spec.containers", "metadata.name"))).toBe(
    'The Pod "web" is invalid: \n* spec.containers: Required value\n* metadata.name: Required value',
  );
});

test("a request that names no object is told with the server's words", () => {
  const message = "the server rejected our request due to an error in our request";
  expect(errorLine(new StatusError({ code: 422, reason: "Invalid", message }))).toBe(
    `The request is invalid: ${message}`,
  );
});

test("any other refusal is told with its reason", () => {
  expect(errorLine(newNotFound({ group: "", resource: "pods" }, "web"))).toBe(
    'Error from server (NotFound): pods "web" not found',
  );
});
