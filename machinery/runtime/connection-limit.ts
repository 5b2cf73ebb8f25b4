import type { HttpResponse } from "../api/http.js";

/** So many connections may be open at once. */
export interface ConnectionLimit {
  readonly most: number;
  open: number;
}

/**
 * The answer of `ask` on a connection that counts until the whole answer was read, or given up. Rejects with what `refusal`
 * makes when it would be one too many.
 */
export async function withinLimit(
  limit: ConnectionLimit,
  refusal: () => Error,
  ask: () => Promise<HttpResponse>,
): Promise<HttpResponse> {
  if (limit.open >= limit.most) throw refusal();
  limit.open += 1;
  let isOpen = true;
  const close = (): void => {
    if (isOpen) limit.open -= 1;
    isOpen = false;
  };
  try {
    const response = await ask();
    if (!(response.body instanceof Uint8Array)) return { ...response, body: closing(response.body, close) };
    close();
    return response;
  } catch (err) {
    close();
    throw err;
  }
}

/** A generator that was never begun would not notice that it is given up. */
const closing = (body: AsyncIterable<Uint8Array>, close: () => void): AsyncIterable<Uint8Array> => ({
  [Symbol.asyncIterator]() {
    const inner = body[Symbol.asyncIterator]();
    return {
      async next() {
        try {
          const result = await inner.next();
          if (result.done) close();
          return result;
        } catch (err) {
          close();
          throw err;
        }
      },
      async return() {
        close();
        await inner.return?.();
        return { done: true, value: undefined };
      },
    };
  },
});
