import type { HttpRequest, HttpResponse } from "../machinery/api/http.js";
import type { RequestInfo } from "../machinery/api/request-info.js";
import type { Labels, MetricsRegistry } from "../machinery/runtime/metrics.js";
import type { ApiServer, RequestObservation } from "./api-server.js";
import type { StorageEngine } from "./storage/engine.js";

const REQUEST_SECONDS = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
];
const COMMIT_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const GROUP_SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

const VERBS: Readonly<Record<string, string>> = { create: "POST", update: "PUT" };
const CONNECTS: ReadonlySet<string> = new Set(["exec", "attach", "portforward", "proxy"]);
/** Streams whose length says nothing about the server. */
const LONG_RUNNING: ReadonlySet<string> = new Set(["WATCH", "CONNECT"]);

/** The metrics of a real API server, as far as there is something to count. */
export class ApiServerMetrics {
  readonly #registry: MetricsRegistry;
  readonly #requests;
  readonly #durations;
  readonly #commits;
  readonly #groups;

  constructor(registry: MetricsRegistry) {
    this.#registry = registry;
    this.#requests = registry.counter(
      "apiserver_request_total",
      "Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, component, and HTTP response code.",
    );
    this.#durations = registry.histogram(
      "apiserver_request_duration_seconds",
      "Response latency distribution in seconds for each verb, dry run value, group, version, resource, subresource, scope and component.",
      REQUEST_SECONDS,
    );
    this.#commits = registry.histogram(
      "etcd_request_duration_seconds",
      "Storage request latency in seconds for each operation and object type.",
      COMMIT_SECONDS,
    );
    this.#groups = registry.histogram(
      "kubesim_storage_commit_writes",
      "Writes that shared one transaction.",
      GROUP_SIZES,
    );
  }

  observe({ info, status, durationMs, dryRun }: RequestObservation): void {
    const { group, version, resource, subresource } = info;
    const verb = verbOf(info);
    const shared = { group, resource, scope: scopeOf(info), subresource, verb, version };
    const dry_run = dryRun ? "All" : "";
    this.#requests.inc({ code: status, component: "apiserver", dry_run, ...shared });
    if (LONG_RUNNING.has(verb)) return;
    this.#durations.observe(durationMs / 1000, { component: "apiserver", dry_run, ...shared });
  }

  onCommit({ members, durationMs }: { members: number; durationMs: number }): void {
    this.#commits.observe(durationMs / 1000, { operation: "commit", type: "*" });
    this.#groups.observe(members);
  }

  /** What is asked of the server and its store only when somebody looks. */
  collectFrom(server: ApiServer, storage: StorageEngine): void {
    const one = (labels: Labels, value: number): [Labels, number][] => [[labels, value]];
    this.#registry.collected(
      "gauge",
      "apiserver_longrunning_requests",
      "Gauge of all active long-running apiserver requests.",
      () => one({ component: "apiserver", verb: "WATCH" }, server.openWatchCount),
    );
    this.#registry.collected(
      "gauge",
      "apiserver_current_inflight_requests",
      "Maximal number of currently used inflight request limit of this apiserver per request kind in last second.",
      () => [
        [{ request_kind: "mutating" }, server.inFlightCounts.writing],
        [{ request_kind: "readOnly" }, server.inFlightCounts.reading],
      ],
    );
    this.#registry.collected(
      "counter",
      "apiserver_watch_events_total",
      "Number of events sent in watch clients",
      () => [...storage.deliveredEvents].map(([prefix, count]) => [labelsOfPrefix(prefix), count]),
    );
    this.#registry.collected(
      "gauge",
      "apiserver_storage_objects",
      "Number of stored objects at the time of last check split by kind.",
      () => server.resources.filter(isStored).map(countOf(server)),
    );
    this.#registry.collected(
      "gauge",
      "kubesim_storage_revision",
      "Revision of the last committed write.",
      () => one({}, storage.revision),
    );
    this.#registry.collected(
      "gauge",
      "kubesim_storage_compacted_revision",
      "History at or below this revision is gone.",
      () => one({}, storage.compactedRevision),
    );
  }

  /** Answers /metrics; undefined for any other path. */
  answer(request: HttpRequest): HttpResponse | undefined {
    if (request.method !== "GET" || request.path.split("?")[0] !== "/metrics") return undefined;
    return {
      status: 200,
      headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8; escaping=underscores" },
      body: Buffer.from(this.#registry.expose()),
    };
  }
}

/** `/registry/core/pods`, as keys begin. */
function labelsOfPrefix(prefix: string): Labels {
  const [, , group = "", resource = ""] = prefix.split("/");
  return { group: group === "core" ? "" : group, resource };
}

const isStored = (resource: ApiServer["resources"][number]): boolean =>
  resource.virtual === undefined && resource.storedAs === undefined;

const countOf =
  (server: ApiServer) =>
  ({ descriptor }: ApiServer["resources"][number]): readonly [Labels, number] => {
    const name = descriptor.group ? `${descriptor.plural}.${descriptor.group}` : descriptor.plural;
    return [{ resource: name }, server.lookup.list(descriptor).length];
  };

function verbOf({ verb, subresource, isResourceRequest }: RequestInfo): string {
  return isResourceRequest && CONNECTS.has(subresource) ? "CONNECT" : (VERBS[verb] ?? verb.toUpperCase());
}

function scopeOf({ isResourceRequest, name, namespace }: RequestInfo): string {
  if (!isResourceRequest) return "";
  return name ? "resource" : namespace ? "namespace" : "cluster";
}
