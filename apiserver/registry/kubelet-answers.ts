import { type HttpResponse, readBody } from "../../machinery/api/http.js";
import { newBadRequest, newInternalError, StatusError } from "../../machinery/api/status.js";

const MAX_MESSAGE_BYTES = 50_000;

/** What a kubelet refused, as the API server passes it on (registry/generic/rest GenericHttpResponseChecker). */
export async function kubeletRefusal(
  response: HttpResponse,
  resource: string,
  name: string,
): Promise<StatusError> {
  const body = await readBody(response.body, MAX_MESSAGE_BYTES).catch(() => new Uint8Array());
  const text = new TextDecoder().decode(body).trim();
  switch (response.status) {
    case 400:
      return newBadRequest(text);
    case 500:
      return newInternalError(text);
    case 404:
      return new StatusError({
        code: 404,
        reason: "NotFound",
        message: `the server could not find the requested resource ( ${resource} ${name})`,
        details: { name, kind: resource, causes: [{ reason: "UnexpectedServerResponse", message: text }] },
      });
    default:
      return new StatusError({
        code: response.status,
        reason: "Unknown",
        message: `an error on the server ("${text}") has prevented the request from succeeding ( ${resource} ${name})`,
        details: { name, kind: resource, causes: [{ reason: "UnexpectedServerResponse", message: text }] },
      });
  }
}
