import type { HttpRequest, HttpResponse, Transport, Upgraded } from "../api/http.js";

/** What a wrapper may do: run before and after each call, and see or change each chunk of a streaming answer. */
export interface TransportWrapper {
  /** Runs before the request leaves; may wait (latency) or throw TransportError (cut). */
  beforeRequest?(request: HttpRequest, signal?: AbortSignal): Promise<void> | void;
  /** Runs when the answer's head is here, before the caller sees it. */
  afterResponse?(
    request: HttpRequest,
    response: HttpResponse,
    signal?: AbortSignal,
  ): Promise<HttpResponse> | HttpResponse;
  /** Replaces a streaming body: delay, drop, duplicate or cut frames. */
  stream?(
    request: HttpRequest,
    body: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): AsyncIterable<Uint8Array>;
  upgraded?(request: HttpRequest, upgraded: Upgraded): Upgraded;
}

/** A transport with something in between: latency and faults, the same live and simulated. */
export function wrapTransport(inner: Transport, wrapper: TransportWrapper): Transport {
  return {
    async request(request, signal) {
      await wrapper.beforeRequest?.(request, signal);
      const answer = await inner.request(request, signal);
      const response = (await wrapper.afterResponse?.(request, answer, signal)) ?? answer;
      if (response.body instanceof Uint8Array || !wrapper.stream) return response;
      return { ...response, body: wrapper.stream(request, response.body, signal) };
    },
    async upgrade(request, protocols, signal) {
      await wrapper.beforeRequest?.(request, signal);
      const upgraded = await inner.upgrade(request, protocols, signal);
      return wrapper.upgraded?.(request, upgraded) ?? upgraded;
    },
  };
}
