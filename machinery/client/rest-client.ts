import type { Clock } from "../api/clock.js";
import {
  type HttpHeaders,
  type HttpResponse,
  readBody,
  type Transport,
  TransportError,
  type Upgraded,
} from "../api/http.js";
import type { DeleteOptions, KubeList, KubeObject, Manifest, WatchEvent } from "../api/meta-v1.js";
import { type ResourceDescriptor, resourcePath } from "../api/resource.js";
import { isStatus, type Status, StatusError, toStatusError } from "../api/status.js";
import { decodeWatchEvents } from "./watch-frames.js";

export interface ObjectAt {
  namespace?: string | undefined;
  name: string;
}
interface CallOptions {
  signal?: AbortSignal;
}
export interface ListOptions extends CallOptions {
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  limit?: number | undefined;
  continue?: string | undefined;
  resourceVersion?: string | undefined;
  resourceVersionMatch?: "Exact" | "NotOlderThan" | undefined;
}
export interface WriteOptions extends CallOptions {
  dryRun?: boolean;
  fieldManager?: string;
  fieldValidation?: "Ignore" | "Warn" | "Strict";
  subresource?: string;
}
export interface WatchOptions {
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  resourceVersion: string;
  allowWatchBookmarks?: boolean;
  sendInitialEvents?: boolean;
  timeoutSeconds?: number;
  signal: AbortSignal;
}
export interface Patch {
  type: "json" | "merge" | "strategic" | "apply";
  body: unknown;
}
export interface RawRequest {
  method: string;
  /** With its query. */
  path: string;
  /** Bytes as they are, or a value that is sent as JSON. */
  body?: unknown;
  headers?: HttpHeaders;
}

const PATCH_TYPES = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  apply: "application/apply-patch+yaml",
} as const;

/** How often an answer of 429 with Retry-After is followed (client-go: 10). */
const MOST_RETRIES = 10;

/**
 * The typed client of the Kubernetes API. Every call rejects with `StatusError` when the server answered with a failure,
 * with `TransportError` when no answer came (then the outcome of a write is unknown).
 */
export class RestClient {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #headers: HttpHeaders;

  constructor(options: { transport: Transport; clock: Clock; userAgent: string; bearerToken?: string }) {
    this.#transport = options.transport;
    this.#clock = options.clock;
    this.#headers = {
      accept: "application/json",
      "user-agent": options.userAgent,
      ...(options.bearerToken === undefined ? {} : { authorization: `Bearer ${options.bearerToken}` }),
    };
  }

  get<T extends KubeObject>(
    descriptor: ResourceDescriptor<T>,
    at: ObjectAt,
    options: CallOptions & { resourceVersion?: string; subresource?: string } = {},
  ): Promise<T> {
    const path = resourcePath(descriptor, objectAt(at, options.subresource));
    return this.#json<T>(
      "GET",
      `${path}${query({ resourceVersion: options.resourceVersion })}`,
      undefined,
      options,
    );
  }

  async list<T extends KubeObject>(
    descriptor: ResourceDescriptor<T>,
    options: ListOptions = {},
  ): Promise<KubeList<T>> {
    const { namespace, signal, ...parameters } = options;
    const path = `${resourcePath(descriptor, inNamespace(namespace))}${query(parameters)}`;
    const list = await this.#json<KubeList<T>>("GET", path, undefined, signal ? { signal } : {});
    // Items of a list carry no type on the wire; the rest of the program relies on it.
    for (const item of list.items) {
      item.apiVersion ??= descriptor.apiVersion;
      item.kind ??= descriptor.kind;
    }
    return list;
  }

  create<T extends KubeObject>(
    descriptor: ResourceDescriptor<T>,
    manifest: Manifest<T>,
    options: WriteOptions = {},
  ): Promise<T> {
    const { namespace } = manifest.metadata as { namespace?: string };
    const path = `${resourcePath(descriptor, inNamespace(namespace))}${writeQuery(options)}`;
    const body = { apiVersion: descriptor.apiVersion, kind: descriptor.kind, ...(manifest as object) };
    return this.#json<T>("POST", path, body, options);
  }

  /** PUT. An object without resourceVersion overwrites whatever is there. */
  update<T extends KubeObject>(
    descriptor: ResourceDescriptor<T>,
    object: T,
    options: WriteOptions = {},
  ): Promise<T> {
    const path = `${resourcePath(descriptor, objectAt(object.metadata, options.subresource))}${writeQuery(options)}`;
    return this.#json<T>("PUT", path, object, options);
  }

  patch<T extends KubeObject>(
    descriptor: ResourceDescriptor<T>,
    at: ObjectAt,
    patch: Patch,
    options: WriteOptions & { force?: boolean } = {},
  ): Promise<T> {
    const path = `${resourcePath(descriptor, objectAt(at, options.subresource))}${writeQuery(options, {
      force: options.force || undefined,
    })}`;
    return this.#json<T>("PATCH", path, patch.body, options, PATCH_TYPES[patch.type]);
  }

  delete<T extends KubeObject>(
    descriptor: ResourceDescriptor<T>,
    at: ObjectAt,
    options: DeleteOptions = {},
    call: CallOptions = {},
  ): Promise<T | Status> {
    return this.#json("DELETE", resourcePath(descriptor, objectAt(at)), deleteBody(options), call);
  }

  deleteCollection<T extends KubeObject>(
    descriptor: ResourceDescriptor<T>,
    selection: { namespace?: string; labelSelector?: string; fieldSelector?: string } = {},
    options: DeleteOptions = {},
    call: CallOptions = {},
  ): Promise<KubeList<T> | Status> {
    const { namespace, ...parameters } = selection;
    const path = `${resourcePath(descriptor, inNamespace(namespace))}${query(parameters)}`;
    return this.#json("DELETE", path, deleteBody(options), call);
  }

  /** POST to a subresource: binding, eviction, token. */
  createSubresource(
    descriptor: ResourceDescriptor,
    at: ObjectAt,
    subresource: string,
    body: unknown,
    options: WriteOptions = {},
  ): Promise<KubeObject> {
    const path = `${resourcePath(descriptor, objectAt(at, subresource))}${writeQuery(options)}`;
    return this.#json("POST", path, body, options);
  }

  /**
   * Events after `resourceVersion`, in order. Ends when the server ends the stream or the signal aborts; rejects with
   * StatusError on an ERROR event (410 Expired when the version is gone). Leaving the loop closes the stream.
   */
  async *watch<T extends KubeObject>(
    descriptor: ResourceDescriptor<T>,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>> {
    const { namespace, signal, sendInitialEvents, ...parameters } = options;
    const path = `${resourcePath(descriptor, inNamespace(namespace))}${query({
      watch: true,
      ...parameters,
      ...(sendInitialEvents ? { sendInitialEvents, resourceVersionMatch: "NotOlderThan" } : {}),
    })}`;
    try {
      const response = await this.request({ method: "GET", path }, signal);
      if (response.status !== 200) throw await failureOf(response);
      const body = response.body instanceof Uint8Array ? oneChunk(response.body) : response.body;
      for await (const event of decodeWatchEvents<T>(body)) {
        if (event.type === "ERROR") throw toStatusError(event.object as unknown as Status);
        yield event;
      }
    } catch (err) {
      if (!signal.aborted) throw err;
    }
  }

  /** One request with this client's identity; an HTTP error status is an answer. */
  request(request: RawRequest, signal?: AbortSignal): Promise<HttpResponse> {
    const bytes = toBytes(request.body);
    return this.#transport.request(
      {
        method: request.method,
        path: request.path,
        headers: {
          ...this.#headers,
          ...(bytes && !(request.body instanceof Uint8Array) ? { "content-type": "application/json" } : {}),
          ...request.headers,
        },
        ...(bytes ? { body: bytes } : {}),
      },
      signal,
    );
  }

  /** exec, attach, port-forward. Rejects with UpgradeRefused when the server answers without upgrading. */
  upgrade(path: string, protocols: readonly string[], signal?: AbortSignal): Promise<Upgraded> {
    return this.#transport.upgrade({ method: "GET", path, headers: this.#headers }, protocols, signal);
  }

  async #json<T>(
    method: string,
    path: string,
    body: unknown,
    { signal }: CallOptions,
    contentType = "application/json",
  ): Promise<T> {
    const headers: HttpHeaders = body === undefined ? {} : { "content-type": contentType };
    for (let attempt = 0; ; attempt++) {
      const response = await this.request({ method, path, body, headers }, signal);
      if (response.status < 400) return parse(await readBody(response.body)) as T;
      const failure = await failureOf(response);
      const retryAfter = Number(response.headers["retry-after"]);
      if (response.status !== 429 || !(retryAfter >= 0) || attempt >= MOST_RETRIES) throw failure;
      await this.#clock.sleep(retryAfter * 1000, signal);
    }
  }
}

/** The failure in an answer, as the error it is. */
export async function failureOf(response: HttpResponse): Promise<StatusError> {
  const text = Buffer.from(await readBody(response.body)).toString("utf8");
  const parsed = tryParse(text);
  if (isStatus(parsed)) return toStatusError(parsed);
  return new StatusError({
    code: response.status,
    reason: response.status >= 500 ? "InternalError" : "Unknown",
    message: text.slice(0, 1000) || `the server answered with status ${response.status}`,
  });
}

const objectAt = (at: { namespace?: string | undefined; name: string }, subresource?: string) => ({
  name: at.name,
  ...inNamespace(at.namespace),
  ...(subresource ? { subresource } : {}),
});

const inNamespace = (namespace: string | undefined): { namespace?: string } =>
  namespace ? { namespace } : {};

function query(parameters: Record<string, string | number | boolean | undefined>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== "") search.set(name, String(value));
  }
  return search.size === 0 ? "" : `?${search.toString()}`;
}

const writeQuery = (options: WriteOptions, more: { force?: boolean | undefined } = {}): string =>
  query({
    dryRun: options.dryRun ? "All" : undefined,
    fieldManager: options.fieldManager,
    fieldValidation: options.fieldValidation,
    ...more,
  });

const deleteBody = (options: DeleteOptions): DeleteOptions | undefined =>
  Object.keys(options).length === 0 ? undefined : { apiVersion: "v1", kind: "DeleteOptions", ...options };

const toBytes = (body: unknown): Uint8Array | undefined => {
  if (body === undefined || body instanceof Uint8Array) return body;
  return Buffer.from(JSON.stringify(body), "utf8");
};

function parse(bytes: Uint8Array): unknown {
  if (bytes.length === 0) return {};
  const value = tryParse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8"));
  // A body cut short by a dying server is no answer: whether the write happened is unknown.
  if (value === undefined) throw new TransportError("the answer is not JSON");
  return value;
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
