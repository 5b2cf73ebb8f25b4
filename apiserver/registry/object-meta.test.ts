import { describe, expect, test } from "@jest/globals";
import { toMessage } from "../../machinery/api/field-error.js";
import type { ObjectMeta } from "../../machinery/api/meta-v1.js";
import { validateObjectMeta, validateObjectMetaUpdate } from "./object-meta.js";

const meta = (given: Partial<ObjectMeta> = {}): ObjectMeta => ({
  name: "a",
  namespace: "default",
  uid: "u",
  resourceVersion: "1",
  creationTimestamp: "2026-01-01T00:00:00Z",
  ...given,
});
const errors = (given: Partial<ObjectMeta>, namespaced = true): string[] =>
  validateObjectMeta(meta(given), { namespaced, nameErrors: () => undefined }).map(toMessage);

describe("object metadata", () => {
  test("of an ordinary object is valid", () => {
    expect(
      errors({
        labels: { app: "web", "example.com/tier": "" },
        annotations: { "Example.com/Any": "anything at all" },
        finalizers: ["foregroundDeletion", "example.com/hold"],
        ownerReferences: [
          { apiVersion: "apps/v1", kind: "ReplicaSet", name: "r", uid: "u", controller: true },
        ],
      }),
    ).toEqual([]);
  });

  test("needs a namespace exactly where the kind has one", () => {
    expect(
      validateObjectMeta({ ...meta(), namespace: "" }, { namespaced: true, nameErrors: () => [] }).map(
        toMessage,
      ),
    ).toEqual(["metadata.namespace: Required value"]);
    expect(errors({}, false)).toEqual(["metadata.namespace: Forbidden: not allowed on this type"]);
  });

  test("takes a prefix that ends with a dash as generateName", () => {
    expect(errors({ generateName: "web-" })).toEqual([]);
    expect(errors({ generateName: "Web-" })[0]).toMatch(/^metadata.generateName: Invalid value: "Web-": /);
  });

  test("refuses labels, annotations and finalizers that others could not select or find", () => {
    expect(errors({ labels: { "a b": "x" } })[0]).toMatch(
      /^metadata.labels: Invalid value: "a b": name part must/,
    );
    expect(errors({ labels: { a: "x!" } })[0]).toMatch(
      /^metadata.labels: Invalid value: "x!": a valid label must/,
    );
    expect(errors({ annotations: { big: "x".repeat(256 * 1024) } })).toEqual([
      "metadata.annotations: Too long: may not be more than 262144 bytes",
    ]);
    expect(errors({ finalizers: ["hold"] })).toEqual([
      'metadata.finalizers[0]: Invalid value: "hold": name is neither a standard finalizer name nor is it fully qualified',
    ]);
  });

  test("allows one controller among the owners, and complete owners only", () => {
    const owner = { apiVersion: "v1", kind: "Pod", name: "p", uid: "u", controller: true };
    expect(errors({ ownerReferences: [owner, { ...owner, name: "q" }] })[0]).toContain(
      'Only one reference can have Controller set to true. Found "true" in references for Pod/p and Pod/q',
    );
    expect(errors({ ownerReferences: [{ ...owner, uid: "" }] })).toEqual([
      'metadata.ownerReferences[0].uid: Invalid value: "": must not be empty',
    ]);
    expect(errors({ ownerReferences: [{ ...owner, kind: "Event" }] })[0]).toContain(
      "/v1, Kind=Event is disallowed from being an owner",
    );
  });

  test("keeps what may not change", () => {
    const old = meta({ deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: ["a/b"] });
    expect(validateObjectMetaUpdate({ ...old, name: "b" }, old).map(toMessage)).toEqual([
      'metadata.name: Invalid value: "b": field is immutable',
    ]);
    expect(validateObjectMetaUpdate({ ...old, finalizers: ["a/b", "c/d"] }, old).map(toMessage)).toEqual([
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"c/d"}',
    ]);
    expect(validateObjectMetaUpdate({ ...old, finalizers: [] }, old)).toEqual([]);
  });
});
