import type { HttpRequest, HttpResponse } from "../../machinery/api/http.js";
import { answerDocument, type CachedDocument, hashText } from "../discovery/cached-document.js";
import { type ServedVersion, toGroups } from "../discovery/groups.js";
import { coversJson, notAcceptable } from "../discovery/accept-json.js";
import { parseAccept } from "../handlers/media-type.js";
import type { ServedResource } from "../registry/serve.js";
import { DefinitionIndex } from "./definitions.js";
import { documentV2 } from "./document-v2.js";
import { documentV3 } from "./document-v3.js";
import { encodeGnostic } from "./gnostic.js";
import { loadDescriptions, loadModel } from "./model-file.js";

export interface OpenApiOptions {
  /** What is served now. A new array (not a changed one) tells that something changed. */
  resources: () => readonly ServedResource[];
  /** `v1.36.0`. */
  version: string;
}

const V2_PATH = "/openapi/v2";
const JSON_TYPE = "application/json";
const PROTOBUF_TYPE = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
/** The same without the @, which a Content-Type may not have. */
const PROTOBUF_ANSWER_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
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
    const [asked = "", query = ""] = request.path.split("?");
    const path = asked.replace(/\/$/, "");
    if (request.method !== "GET" || !/^\/openapi\/v[23](\/|$)/.test(path)) return undefined;
    this.#refresh();
    const build = this.#builder(path);
    if (!build) return undefined;
    const form = chooseForm(request, path);
    if (!form) return notAcceptable(path === V2_PATH ? [JSON_TYPE, PROTOBUF_TYPE] : [JSON_TYPE]);
    const document = form === "json" ? this.#cached(path, build) : this.#protobuf();
    const hash = new URLSearchParams(query).get("hash");
    if (hash !== null && hash !== document.hash) return redirect(path, document);
    const type = form === "json" ? JSON_TYPE : PROTOBUF_ANSWER_TYPE;
    return answerDocument(request, document, type, hash === null ? {} : IMMUTABLE);
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

  #protobuf(): CachedDocument {
    const key = `${V2_PATH} protobuf`;
    const known = this.#documents.get(key);
    if (known) return known;
    const bytes = encodeGnostic(documentV2(this.#versions, this.#index(), this.#options.version));
    const document = { bytes, hash: this.#hashOf(key) };
    this.#documents.set(key, document);
    return document;
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

/** Go clients ask for v2 as protobuf alone. */
function chooseForm(request: HttpRequest, path: string): "json" | "protobuf" | undefined {
  for (const clause of parseAccept(request.headers["accept"] || "*/*")) {
    if (coversJson(clause)) return "json";
    if (path === V2_PATH && clause.type === PROTOBUF_TYPE) return "protobuf";
  }
  return undefined;
}

/** An old hash leads to the present document. */
const redirect = (path: string, { hash }: CachedDocument): HttpResponse => ({
  status: 301,
  headers: { location: `${path}?hash=${hash}` },
  body: new Uint8Array(),
});
