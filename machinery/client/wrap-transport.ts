import {
  type HttpRequest,
  type HttpResponse,
  type Transport,
  TransportError,
  type Upgraded,
} from "../api/http.js";

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
  /** Replaces a streaming body: delay, drop, duplicate or cut frames. `close` ends the inner stream, whoever waits on it. */
  stream?(
    request: HttpRequest,
    body: AsyncIterable<Uint8Array>,
    signal: AbortSignal | undefined,
    close: () => void,
  ): AsyncIterable<Uint8Array>;
  upgraded?(request: HttpRequest, upgraded: Upgraded): Upgraded;
}

/** A transport with something in between: latency and faults, the same live and simulated. */
export function wrapTransport(inner: Transport, wrapper: TransportWrapper): Transport {
  return {
    async request(request, signal) {
      await wrapper.beforeRequest?.(request, signal);
      const own = wrapper.stream && request.path.includes("watch") ? following(signal) : undefined;
      const close = (): void => own?.abort(new TransportError("closed by the client"));
      try {
        const answer = await inner.request(request, own?.signal ?? signal);
        const response = (await wrapper.afterResponse?.(request, answer, signal)) ?? answer;
        if (wrapper.stream && !(response.body instanceof Uint8Array))
          return { ...response, body: wrapper.stream(request, response.body, signal, close) };
        close();
        return response;
      } catch (err) {
        close();
        throw err;
      }
    },
    async upgrade(request, protocols, signal) {
      await wrapper.beforeRequest?.(request, signal);
      const upgraded = await inner.upgrade(request, protocols, signal);
      return wrapper.upgraded?.(request, upgraded) ?? upgraded;
    },
  };
}

/** Aborts with the caller's signal, or before; then it listens no more. */
function following(signal: AbortSignal | undefined): AbortController {
  const own = new AbortController();
  if (signal?.aborted) own.abort(signal.reason);
  else signal?.addEventListener("abort", () => own.abort(signal.reason), { signal: own.signal });
  return own;
}
