import type { HttpRequest, HttpResponse } from "../../machinery/api/http.js";
import { answerDocument, type CachedDocument, hashText } from "../discovery/cached-document.js";
import { type ServedVersion, toGroups } from "../discovery/groups.js";
import { covers, parseAccept } from "../discovery/negotiate.js";
import { notAcceptable } from "../discovery/not-acceptable.js";
import type { ServedResource } from "../registry/serve.js";
import { DefinitionIndex } from "./definitions.js";
import { documentV2 } from "./document-v2.js";
import { documentV3 } from "./document-v3.js";
import { loadDescriptions, loadModel } from "./model-file.js";

export interface OpenApiOptions {
  /** What is served now. A new array (not a changed one) tells that something changed. */
  resources: () => readonly ServedResource[];
  /** `v1.36.0`. */
  version: string;
}

const JSON_TYPE = "application/json";
/** Who asks for a document by its hash may keep it for ever. */
const IMMUTABLE = { "cache-control": "public, immutable" };

/** Answers /openapi/v2 and /openapi/v3. Documents are built when first asked for and kept as bytes. */
export class OpenApi {
  readonly #options: OpenApiOptions;
  readonly #documents = new Map<string, CachedDocument>();
  #served: readonly ServedResource[] | undefined;
  #versions: readonly ServedVersion[] = [];
  #definitions: DefinitionIndex | undefined;
  #inputs: string | undefined;

  constructor(options: OpenApiOptions) {
    this.#options = options;
  }

  /** Undefined when the path is none of OpenAPI's. */
  handle(request: HttpRequest): HttpResponse | undefined {
    const [path = "", query = ""] = request.path.split("?");
    if (request.method !== "GET" || !/^\/openapi\/v[23](\/|$)/.test(path)) return undefined;
    this.#refresh();
    const build = this.#builder(path.replace(/\/$/, ""));
    if (!build) return undefined;
    if (!wantsJson(request)) return notAcceptable([JSON_TYPE]);
    const document = this.#cached(path, build);
    const hash = new URLSearchParams(query).get("hash");
    if (hash !== null && hash !== document.hash) return redirect(path, document);
    return answerDocument(request, document, JSON_TYPE, hash === null ? {} : IMMUTABLE);
  }

  #refresh(): void {
    const served = this.#options.resources();
    if (served === this.#served) return;
    this.#served = served;
    this.#versions = toGroups(served).flatMap(({ versions }) => versions);
    this.#documents.clear();
    this.#inputs = undefined;
  }

  #builder(path: string): (() => object) | undefined {
    if (path === "/openapi/v2") return () => documentV2(this.#versions, this.#index(), this.#options.version);
    if (path === "/openapi/v3") return () => this.#contents();
    const served = this.#versions.find((version) => path === `/openapi/v3/${placeOf(version)}`);
    return served && (() => documentV3(served, this.#versions, this.#index(), this.#options.version));
  }

  #contents(): object {
    const entries = this.#versions.map((version) => {
      const path = `/openapi/v3/${placeOf(version)}`;
      return [placeOf(version), { serverRelativeURL: `${path}?hash=${this.#hashOf(path)}` }];
    });
    return { paths: Object.fromEntries(entries) as object };
  }

  /** From what a document is made of, so that the contents can be listed before any document is built. */
  #hashOf(path: string): string {
    this.#inputs ??= hashText(JSON.stringify([this.#options.version, this.#versions, loadModel()]));
    return hashText(`${this.#inputs} ${path}`);
  }

  #index(): DefinitionIndex {
    this.#definitions ??= new DefinitionIndex(loadModel(), loadDescriptions());
    return this.#definitions;
  }

  #cached(path: string, build: () => object): CachedDocument {
    const known = this.#documents.get(path);
    if (known) return known;
    const document = { bytes: Buffer.from(JSON.stringify(build())), hash: this.#hashOf(path) };
    this.#documents.set(path, document);
    return document;
  }
}

/** `api/v1`, `apis/apps/v1`. */
const placeOf = ({ group, apiVersion }: ServedVersion): string =>
  group === "" ? `api/${apiVersion}` : `apis/${apiVersion}`;

const wantsJson = (request: HttpRequest): boolean =>
  parseAccept(request.headers["accept"]).some((range) => covers(range, JSON_TYPE));

/** An old hash leads to the present document. */
const redirect = (path: string, { hash }: CachedDocument): HttpResponse => ({
  status: 301,
  headers: { location: `${path}?hash=${hash}` },
  body: new Uint8Array(),
});
