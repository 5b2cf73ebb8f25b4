import type { HttpResponse } from "../../machinery/api/http.js";
import type { Clause } from "../handlers/media-type.js";
import { newNotAcceptable } from "../../machinery/api/status.js";

/** 406 as a Status. */
export const notAcceptable = (accepted: readonly string[]): HttpResponse => ({
  status: 406,
  headers: { "content-type": "application/json" },
  body: Buffer.from(JSON.stringify(newNotAcceptable(accepted).status)),
});

export const coversJson = ({ type }: Clause): boolean =>
  type === "application/json" || type === "application/*" || type === "*/*";
