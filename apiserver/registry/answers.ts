import type { HttpResponse } from "../../machinery/api/http.js";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import type { Status } from "../../machinery/api/status.js";
import { toBytes } from "./object-bytes.js";

/** How an action answers with an object. */
export const jsonAnswer = (status: number, object: KubeObject | Status): HttpResponse => ({
  status,
  headers: { "content-type": "application/json" },
  body: toBytes(object),
});

export const successStatus = (code: number): Status => ({
  kind: "Status",
  apiVersion: "v1",
  metadata: {},
  status: "Success",
  code,
});
