import type { HttpRequest, HttpResponse } from "../../machinery/api/http.js";
import { type Clause, parseAccept } from "../handlers/media-type.js";
import type { ServedResource } from "../registry/serve.js";
import { toAggregated } from "./aggregated.js";
import { answerDocument, type CachedDocument, cacheDocument } from "./cached-document.js";
import { type ServedGroup, toGroups } from "./groups.js";
import { apiGroup, apiGroupList, apiResourceList, apiVersions } from "./legacy.js";
import { coversJson, notAcceptable } from "./accept-json.js";

export interface DiscoveryOptions {
  /** What is served now. A new array (not a changed one) tells that something changed. */
  resources: () => readonly ServedResource[];
  /** `host:port` for clients that ask /api where the server is. */
  serverAddress: string;
}

type Aggregation = "v2" | "v2beta1";

/** Answers /api, /apis and what lies below as far as it is about resources, not objects. Stateless but for a cache. */
export class Discovery {
  readonly #options: DiscoveryOptions;
  #served: readonly ServedResource[] | undefined;
  #groups: readonly ServedGroup[] = [];
  readonly #documents = new Map<string, CachedDocument>();

  constructor(options: DiscoveryOptions) {
    this.#options = options;
  }

  /** Undefined when the path is not discovery's, an unknown group or version included. */
  handle(request: HttpRequest): HttpResponse | undefined {
    const path = pathOf(request);
    if (request.method !== "GET" || !/^\/apis?(\/|$)/.test(path)) return undefined;
    this.#refresh();
    const document = this.#build(path);
    if (!document) return undefined;
    const accepted = path === "/api" || path === "/apis" ? ["v2", "v2beta1"] : [];
    const form = chooseForm(request, accepted);
    if (form === undefined) return notAcceptable(["application/json"]);
    if (form === "plain") {
      const { bytes } = this.#cached(`${path} plain`, document);
      return { status: 200, headers: { "content-type": "application/json", vary: "Accept" }, body: bytes };
    }
    const cached = this.#cached(`${path} ${form}`, () => toAggregated(this.#groupsUnder(path), form));
    return answerDocument(
      request,
      cached,
      `application/json;g=apidiscovery.k8s.io;v=${form};as=APIGroupDiscoveryList`,
    );
  }

  #refresh(): void {
    const served = this.#options.resources();
    if (served === this.#served) return;
    this.#served = served;
    this.#groups = toGroups(served);
    this.#documents.clear();
  }

  #groupsUnder(path: string): readonly ServedGroup[] {
    return this.#groups.filter(({ name }) => (name === "") === (path === "/api"));
  }

  #build(path: string): (() => object) | undefined {
    const [, root, ...rest] = path.split("/");
    const core = this.#groups.find(({ name }) => name === "") ?? { name: "", versions: [] };
    if (root === "apis" && rest.length === 0) return () => apiGroupList(this.#groupsUnder(path));
    if (root === "api" && rest.length === 0) return () => apiVersions(core, this.#options.serverAddress);
    const group = root === "api" ? core : this.#groups.find(({ name }) => name === rest[0] && name !== "");
    const [wanted, ...more] = root === "api" ? rest : rest.slice(1);
    if (!group || more.length > 0) return undefined;
    if (wanted === undefined) return () => apiGroup(group);
    const version = group.versions.find((candidate) => candidate.version === wanted);
    return version ? () => apiResourceList(version) : undefined;
  }

  #cached(key: string, build: () => object): CachedDocument {
    const known = this.#documents.get(key);
    if (known) return known;
    const document = cacheDocument(build());
    this.#documents.set(key, document);
    return document;
  }
}

/** Without query and without the slash at the end. */
function pathOf({ path }: HttpRequest): string {
  const plain = path.split("?", 1)[0] ?? "";
  return plain.length > 1 && plain.endsWith("/") ? plain.slice(0, -1) : plain;
}

function chooseForm(
  request: HttpRequest,
  aggregations: readonly string[],
): Aggregation | "plain" | undefined {
  for (const clause of parseAccept(request.headers["accept"] || "*/*")) {
    if (!coversJson(clause)) continue;
    const form = formOf(clause);
    if (form === "plain" || (form !== undefined && aggregations.includes(form))) return form;
  }
  return undefined;
}

function formOf({ parameters }: Clause): Aggregation | "plain" | undefined {
  const as = parameters.get("as");
  if (as === undefined) return "plain";
  const version = parameters.get("v");
  const known = as === "APIGroupDiscoveryList" && parameters.get("g") === "apidiscovery.k8s.io";
  return known && (version === "v2" || version === "v2beta1") ? version : undefined;
}
