import type { Clock } from "../machinery/api/clock.js";
import type { HttpHandler, HttpRequest, HttpResponse, UpgradeRequest } from "../machinery/api/http.js";
import type { Logger } from "../machinery/api/logger.js";
import type { KubeObject } from "../machinery/api/meta-v1.js";
import { parseRequestInfo, type RequestInfo, splitQuery } from "../machinery/api/request-info.js";
import type { ResourceDescriptor } from "../machinery/api/resource.js";
import type { Rng, Secrets } from "../machinery/api/rng.js";
import type { SchemaSource } from "../machinery/api/schema/schema.js";
import { newInternalError, newServiceUnavailable, StatusError } from "../machinery/api/status.js";
import { AdmissionChain, type AdmissionPlugin } from "./admission/chain.js";
import type { Authenticator } from "./auth/authenticator.js";
import type { Authorizer } from "./auth/authorizer.js";
import type { UserInfo } from "./auth/user-info.js";
import { inForm, statusAnswer, textAnswer, withWarnings } from "./handlers/answer.js";
import { authorize } from "./handlers/authorize.js";
import type { HandlerServices, ResourceCall } from "./handlers/call.js";
import { dispatch, newUnknownPath } from "./handlers/dispatch.js";
import { answerHealth, type HealthCheck, type HealthGroup } from "./handlers/health.js";
import { InFlight, type InFlightLimits } from "./handlers/in-flight.js";
import { negotiate } from "./handlers/media-type.js";
import { OpenWatches } from "./handlers/open-watches.js";
import { ResourceIndex } from "./handlers/resource-index.js";
import { SERVER_VERSION } from "./handlers/version.js";
import type { GenericStore } from "./registry/generic-store.js";
import type { KubeletDialer } from "./registry/kubelet-dialer.js";
import type { Lookup, ServedResource } from "./registry/serve.js";
import type { StoreDependencies } from "./registry/store-core.js";
import { toStatus } from "./registry/storage-status.js";
import type { Storage } from "./storage/storage.js";

/** Answers plain paths: discovery, OpenAPI, metrics. Undefined leaves the request to the next one. */
export type Mount = (request: HttpRequest) => HttpResponse | undefined | Promise<HttpResponse | undefined>;

/** One answered request, for metrics. */
export interface RequestObservation {
  info: RequestInfo;
  status: number;
  durationMs: number;
  dryRun: boolean;
}

export interface ApiServerOptions {
  storage: Storage;
  clock: Clock;
  rng: Rng;
  secrets: Secrets;
  logger: Logger;
  authenticator: Authenticator;
  authorizer: Authorizer;
  kubelets: KubeletDialer;
  schemas: SchemaSource;
  resources: readonly ServedResource[];
  admission?: readonly AdmissionPlugin[];
  mounts?: readonly Mount[];
  /** Beside ping, etcd and shutdown. */
  healthChecks?: ReadonlyMap<string, HealthCheck>;
  inFlight?: InFlightLimits;
  observe?: (observation: RequestObservation) => void;
}

const ANONYMOUS: UserInfo = { name: "system:anonymous", groups: ["system:unauthenticated"] };
const NO_QUERY = new URLSearchParams();
/** Requests beyond these are refused; a real server queues about as many (priority and fairness). */
const IN_FLIGHT: InFlightLimits = { reading: 4000, writing: 4000 };

/**
 * The Kubernetes API over a store: authenticate, authorise, find the resource, decode, default, admit, validate, store,
 * answer. Knows neither sockets nor a web framework.
 */
export class ApiServer implements HttpHandler {
  readonly #options: ApiServerOptions;
  readonly #index = new ResourceIndex();
  readonly #dependencies: StoreDependencies;
  readonly #services: HandlerServices;
  readonly #mounts: Mount[];
  readonly #watches = new OpenWatches();
  readonly #inFlight: InFlight;
  readonly #health: readonly HealthGroup[];
  #state: "new" | "running" | "stopping" = "new";

  constructor(options: ApiServerOptions) {
    this.#options = options;
    const { storage, clock, rng, secrets, logger, authenticator, authorizer, kubelets, schemas } = options;
    this.#dependencies = {
      storage,
      clock,
      rng,
      secrets,
      logger,
      authenticator,
      authorizer,
      lookup: this.#index,
      admission: new AdmissionChain(options.admission ?? []),
    };
    this.#services = { clock, rng, logger, schemas, kubelets, watches: this.#watches };
    this.#mounts = [...(options.mounts ?? [])];
    this.#inFlight = new InFlight(options.inFlight ?? IN_FLIGHT);
    this.#health = this.#healthGroups();
    for (const resource of options.resources) this.addResource(resource);
  }

  /** From now on /readyz says so. Bootstrap objects are written before it. */
  start(): Promise<void> {
    this.#state = "running";
    return Promise.resolve();
  }

  /** Ends watches, lets running requests finish. */
  async stop(): Promise<void> {
    this.#state = "stopping";
    this.#watches.stop();
    await this.#inFlight.drained();
  }

  /** What is served now; a new array whenever it changes. */
  get resources(): readonly ServedResource[] {
    return this.#index.resources;
  }

  get lookup(): Lookup {
    return this.#index;
  }

  get openWatchCount(): number {
    return this.#watches.count;
  }

  /** Requests that are being answered now. */
  get inFlightCounts(): Readonly<InFlightLimits> {
    return this.#inFlight.counts;
  }

  store<T extends KubeObject>(descriptor: ResourceDescriptor<T>): GenericStore<T> {
    return this.#index.store(descriptor);
  }

  addResource(resource: ServedResource): void {
    this.#index.add(resource, this.#dependencies);
  }

  mount(mount: Mount): void {
    this.#mounts.push(mount);
  }

  async request(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    // Only an accepted upgrade has no answer, and none is offered here.
    return (await this.#serve(request, signal)) ?? statusAnswer(newInternalError("no answer").status);
  }

  upgrade(
    request: HttpRequest,
    upgrade: UpgradeRequest,
    signal: AbortSignal,
  ): Promise<HttpResponse | undefined> {
    return this.#serve(request, signal, upgrade);
  }

  async #serve(
    request: HttpRequest,
    signal: AbortSignal,
    upgrade?: UpgradeRequest,
  ): Promise<HttpResponse | undefined> {
    const startMs = this.#options.clock.monotonicMs();
    const { path, search } = splitQuery(request.path);
    const query = search === "" ? NO_QUERY : new URLSearchParams(search);
    const info = parseRequestInfo(request.method, path, query);
    const warnings: string[] = [];
    const answer = await this.#answer({ request, query, info, signal, warnings }, upgrade);
    this.#options.observe?.({
      info,
      status: answer?.status ?? 101,
      durationMs: this.#options.clock.monotonicMs() - startMs,
      dryRun: query.has("dryRun"),
    });
    return answer && withWarnings(answer, warnings);
  }

  /** The one place where errors become answers. */
  async #answer(call: UnroutedCall, upgrade?: UpgradeRequest): Promise<HttpResponse | undefined> {
    try {
      const leave = this.#inFlight.enter(call.info);
      try {
        const answer = await this.#route(call, upgrade);
        if (!answer || !(answer.body instanceof Uint8Array)) return answer;
        const { request, query } = call;
        const form = call.info.isResourceRequest ? negotiate(request.headers["accept"]) : JSON_FORM;
        return await inForm(answer, form, { request, query });
      } finally {
        leave();
      }
    } catch (err) {
      return statusAnswer(this.#statusOf(err, call.info).status);
    }
  }

  #statusOf(err: unknown, { verb, path }: RequestInfo): StatusError {
    const known = toStatus(err);
    if (known instanceof StatusError) return known;
    this.#options.logger.error("Request failed", { verb, path, err });
    return newInternalError(err instanceof Error ? err.message : "unknown");
  }

  #route(call: UnroutedCall, upgrade?: UpgradeRequest): RoutedAnswer {
    const { request, query, info } = call;
    const user = this.#options.authenticator.authenticate(request) ?? ANONYMOUS;
    authorize(this.#options.authorizer, user, info, query);
    if (!info.isResourceRequest) return this.#plain(request, info.path, query);
    if (this.#state === "stopping") throw newServiceUnavailable("apiserver is shutting down");
    const store = this.#index.find(info);
    if (!store) {
      if (this.#index.serves(info)) throw newUnknownPath();
      return this.#plain(request, info.path, query);
    }
    const resourceCall: ResourceCall = {
      ...call,
      user,
      store,
      resource: store.resource,
      services: this.#services,
    };
    return dispatch(resourceCall, upgrade);
  }

  async #plain(request: HttpRequest, path: string, query: URLSearchParams): Promise<HttpResponse> {
    if (path === "/version" || path === "/version/") return jsonText(SERVER_VERSION);
    const group = this.#health.find(({ name }) => path === `/${name}` || path.startsWith(`/${name}/`));
    const health = group && answerHealth(group, path.replace(/\/$/, ""), query);
    if (health) return health;
    for (const mount of this.#mounts) {
      const answer = await mount(request);
      if (answer) return answer;
    }
    return textAnswer(404, "404 page not found\n");
  }

  #healthGroups(): HealthGroup[] {
    const { storage, healthChecks = new Map<string, HealthCheck>() } = this.#options;
    const alive: [string, HealthCheck][] = [
      ["ping", () => undefined],
      ["log", () => undefined],
      ["etcd", () => storage.health()],
      ...healthChecks,
    ];
    const ready: [string, HealthCheck][] = [
      ...alive,
      ["informer-sync", () => (this.#state === "new" ? "the server is still starting" : undefined)],
      ["shutdown", () => (this.#state === "stopping" ? "process is shutting down" : undefined)],
    ];
    return [
      { name: "healthz", checks: new Map(alive) },
      { name: "livez", checks: new Map(alive) },
      { name: "readyz", checks: new Map(ready) },
    ];
  }
}

type UnroutedCall = Pick<ResourceCall, "request" | "query" | "info" | "signal" | "warnings">;
type RoutedAnswer = HttpResponse | undefined | Promise<HttpResponse | undefined>;
const JSON_FORM = { type: "application/json" } as const;

const jsonText = (value: object): HttpResponse => ({
  status: 200,
  headers: { "content-type": "application/json", "cache-control": "no-cache, private" },
  body: Buffer.from(JSON.stringify(value, null, 2)),
});
