import { expect, test } from "@jest/globals";
import { isStatus, StatusError } from "../../machinery/api/status.js";
import { negotiate } from "./media-type.js";

test("the first form that the server can write is chosen, better quality first", () => {
  const table = "application/json;as=Table;v=v1;g=meta.k8s.io";
  expect(negotiate(undefined)).toEqual({ as: "object", type: "application/json" });
  expect(negotiate("*/*").type).toBe("application/json");
  expect(negotiate(`${table},application/json`).as).toBe("table");
  expect(negotiate("application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json").as).toBe("object");
  expect(negotiate("application/vnd.kubernetes.protobuf,application/yaml").type).toBe("application/yaml");
  expect(negotiate("application/json;q=0.5,application/yaml;q=0.9").type).toBe("application/yaml");
  expect(negotiate("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1").as).toBe(
    "metadataList",
  );
});

test("what the server cannot write is not acceptable", () => {
  for (const [accept, streaming] of [
    ["text/html", false],
    ["application/json;q=0", false],
    ["application/yaml", true],
  ] as const) {
    let refused: unknown;
    try {
      negotiate(accept, streaming);
    } catch (err) {
      refused = err instanceof StatusError && isStatus(err.status) && err.status.code;
    }
    expect([accept, refused]).toEqual([accept, 406]);
  }
});
