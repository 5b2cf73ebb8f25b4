import type { HttpResponse } from "../../machinery/api/http.js";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import { newNotAcceptable } from "../../machinery/api/status.js";
import type { Written } from "../registry/write.js";
import { jsonAnswer } from "./answer.js";
import type { ResourceCall } from "./call.js";
import { JSON_TYPE, negotiate, YAML_TYPE } from "./media-type.js";
import { includeObjectOf, partialBytes, tableBytes, tableMetadata } from "./table.js";

/** One object in the form that the client asked for. The plain form is the stored bytes. */
export function answerObject<T extends KubeObject>(
  call: ResourceCall<T>,
  status: number,
  written: Written<T>,
): HttpResponse {
  const { as } = negotiate(call.request.headers["accept"]);
  switch (as) {
    case "object":
      return jsonAnswer(status, written.bytes);
    case "metadata":
      return jsonAnswer(status, partialBytes(written.object));
    case "metadataList":
      throw newNotAcceptable([JSON_TYPE, YAML_TYPE]);
    case "table":
      return jsonAnswer(
        status,
        tableBytes(call.resource, [written.object], {
          include: includeObjectOf(call.query),
          nowMs: call.services.clock.nowMs(),
          withColumns: true,
          metadata: tableMetadata(written.object.metadata),
        }),
      );
  }
}
