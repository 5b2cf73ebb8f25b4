import { expect, test } from "@jest/globals";
import type { KubeObject } from "../machinery/api/meta-v1.js";
import type { Informer, ChangeHandlers } from "../machinery/client/informer.js";
import { LastWritten } from "./last-written.js";

const anObject = (resourceVersion: string): KubeObject => ({
  apiVersion: "v1",
  kind: "Endpoints",
  metadata: { name: "web", namespace: "default", uid: "u", resourceVersion, creationTimestamp: "" },
});

function aWatch() {
  let handlers: ChangeHandlers<KubeObject> = {};
  const informer = { onChange: (given: typeof handlers) => void (handlers = given) };
  const heard: string[] = [];
  const written = new LastWritten<string>(informer as unknown as Informer<KubeObject>, ({ metadata }) =>
    heard.push(metadata.resourceVersion),
  );
  return { written, heard, handlers };
}

test("a controller does not look again at what it wrote itself, but at what others made of it", () => {
  const { written, heard, handlers } = aWatch();
  written.remember(anObject("2"), "mine");
  handlers.added?.(anObject("2"));
  expect(heard).toEqual([]);
  expect(written.of(anObject("2"))).toBe("mine");
  handlers.updated?.(anObject("2"), anObject("3"));
  expect(heard).toEqual(["2", "3"]);
  expect(written.of(anObject("3"))).toBeUndefined();
});

test("what is deleted is heard of, and forgotten", () => {
  const { written, heard, handlers } = aWatch();
  written.remember(anObject("2"), "mine");
  handlers.deleted?.(anObject("2"));
  expect(heard).toEqual(["2"]);
  expect(written.of(anObject("2"))).toBeUndefined();
});
