import { type HttpResponse, readBody, type Transport } from "../../machinery/api/http.js";
import type { KubeObject, WatchEvent } from "../../machinery/api/meta-v1.js";
import type { Status } from "../../machinery/api/status.js";

export interface Reply {
  status: number;
  headers: HttpResponse["headers"];
  text: string;
  /** Parsed when the answer is JSON. */
  body: AnyObject;
}

/** Every field may be there; a test that reads a missing one fails on the value. */
export type AnyObject = KubeObject &
  Partial<Omit<Status, keyof KubeObject | "status">> & {
    status?: unknown;
    spec?: Record<string, unknown>;
    data?: Record<string, string>;
    items?: AnyObject[];
    rows?: { cells: unknown[]; object: KubeObject }[];
    columnDefinitions?: { name: string }[] | null;
    metadata: { continue?: string; remainingItemCount?: number };
  };

const decoder = new TextDecoder();

/** The API as a test writes it: method, path, body; the answer as it came. */
export class ApiClient {
  readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  async send(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Reply> {
    const sent = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
    const response = await this.transport.request({
      method,
      path,
      headers: { ...(sent === undefined ? {} : { "content-type": "application/json" }), ...headers },
      ...(sent === undefined ? {} : { body: Buffer.from(sent) }),
    });
    const text = decoder.decode(await readBody(response.body));
    const isJson = response.headers["content-type"]?.startsWith("application/json");
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: (isJson && text ? JSON.parse(text) : undefined) as AnyObject,
    };
  }

  get(path: string, headers?: Record<string, string>): Promise<Reply> {
    return this.send("GET", path, undefined, headers);
  }
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Reply> {
    return this.send("POST", path, body, headers);
  }
  put(path: string, body: unknown): Promise<Reply> {
    return this.send("PUT", path, body);
  }
  delete(path: string, body?: unknown): Promise<Reply> {
    return this.send("DELETE", path, body);
  }
  patch(path: string, type: "json" | "merge" | "strategic-merge", body: unknown): Promise<Reply> {
    return this.send("PATCH", path, body, { "content-type": `application/${type}-patch+json` });
  }

  /** Opens a watch; `next` waits for its next event. */
  async watch(path: string, headers: Record<string, string> = {}): Promise<WatchReader> {
    const abort = new AbortController();
    const response = await this.transport.request({ method: "GET", path, headers }, abort.signal);
    return new WatchReader(response, abort);
  }
}

export type ReadEvent = WatchEvent<AnyObject>;

export class WatchReader {
  readonly status: number;
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #abort: AbortController;
  #rest = "";

  constructor({ status, body }: HttpResponse, abort: AbortController) {
    this.status = status;
    this.#abort = abort;
    const stream = body instanceof Uint8Array ? once(body) : body;
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  /** Undefined when the server ended the stream. */
  async next(): Promise<ReadEvent | undefined> {
    for (;;) {
      const end = this.#rest.indexOf("\n");
      if (end >= 0) {
        const line = this.#rest.slice(0, end);
        this.#rest = this.#rest.slice(end + 1);
        return JSON.parse(line) as ReadEvent;
      }
      const { done, value } = await this.#chunks.next();
      if (done) return undefined;
      this.#rest += decoder.decode(value, { stream: true });
    }
  }

  /** The next `count` events as `TYPE name`. */
  async take(count: number): Promise<string[]> {
    const seen: string[] = [];
    while (seen.length < count) {
      const event = await this.next();
      if (!event) break;
      seen.push(`${event.type} ${event.object.metadata.name ?? ""}`.trim());
    }
    return seen;
  }

  close(): void {
    this.#abort.abort();
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
