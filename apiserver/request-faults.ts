import type { Clock } from "../machinery/api/clock.js";
import {
  type HttpHandler,
  type HttpRequest,
  type HttpResponse,
  NoAnswer,
  type UpgradeRequest,
} from "../machinery/api/http.js";
import { parseRequestInfo, splitQuery } from "../machinery/api/request-info.js";
import type { Rng } from "../machinery/api/rng.js";
import {
  newConflict,
  newInternalError,
  newServiceUnavailable,
  newTimeout,
  newTooManyRequests,
  StatusError,
} from "../machinery/api/status.js";
import { ActiveFaults } from "../machinery/runtime/active-faults.js";
import { type ConnectionLimit, withinLimit } from "../machinery/runtime/connection-limit.js";
import { FaultParameters } from "../machinery/runtime/fault-parameters.js";
import type { FaultPoints } from "../machinery/runtime/fault-points.js";
import { statusAnswer } from "./handlers/answer.js";

/** What becomes of requests that a fault concerns. */
interface RequestFault {
  /** Beginnings of user agents; absent means all but Kubesim's own commands, which watch the experiment. */
  clients: ReadonlySet<string> | undefined;
  verbs: ReadonlySet<string> | undefined;
  resources: ReadonlySet<string> | undefined;
  percent: number;
  delayMs: number;
  jitterMs: number;
  /** Answered with this instead of being served. */
  status: StatusError | undefined;
  /** Served, but the answer is lost. */
  ambiguous: boolean;
  limit: ConnectionLimit | undefined;
}

const NAMES = [
  "clients",
  "verbs",
  "resources",
  "percent",
  "delayMs",
  "jitterMs",
  "status",
  "retryAfterSeconds",
  "ambiguous",
  "denial",
  "most",
];
const OBSERVER = /^kubesim(-supervisor)?(\/|$)/;

/** An API server whose answers can be late, errors, or lost. Hand it to the edge instead of the server. */
export class RequestFaults implements HttpHandler {
  readonly #inner: HttpHandler;
  readonly #clock: Clock;
  readonly #rng: Rng;
  readonly #active = new ActiveFaults<RequestFault>();

  constructor(inner: HttpHandler, options: { clock: Clock; rng: Rng }) {
    this.#inner = inner;
    this.#clock = options.clock;
    this.#rng = options.rng;
  }

  define(points: FaultPoints): void {
    points.define({
      name: "requests",
      summary: "requests are slow, refused with an error, or served without an answer",
      inject: (parameters) => this.#active.add(parse(parameters)),
    });
  }

  async request(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    const fault = this.#draw(request);
    if (!fault) return this.#inner.request(request, signal);
    await this.#delay(fault, signal);
    if (fault.status) return statusAnswer(fault.status.status);
    const serve = () => this.#inner.request(request, signal);
    const answer = await (fault.limit ? withinLimit(fault.limit, noDescriptor, serve) : serve());
    if (!fault.ambiguous) return answer;
    if (!(answer.body instanceof Uint8Array)) await answer.body[Symbol.asyncIterator]().return?.();
    throw new NoAnswer("the answer is lost");
  }

  async upgrade(
    request: HttpRequest,
    upgrade: UpgradeRequest,
    signal: AbortSignal,
  ): Promise<HttpResponse | undefined> {
    const fault = this.#draw(request);
    if (fault) {
      await this.#delay(fault, signal);
      if (fault.status) return statusAnswer(fault.status.status);
    }
    return this.#inner.upgrade(request, upgrade, signal);
  }

  #draw(request: HttpRequest): RequestFault | undefined {
    if (this.#active.none) return undefined;
    const { path, search } = splitQuery(request.path);
    const info = parseRequestInfo(request.method, path, new URLSearchParams(search));
    const agent = request.headers["user-agent"] ?? "";
    const fault = this.#active.find(
      ({ clients, verbs, resources }) =>
        (clients === undefined
          ? !OBSERVER.test(agent)
          : [...clients].some((name) => agent.startsWith(name))) &&
        (verbs === undefined || verbs.has(info.verb)) &&
        (resources === undefined || resources.has(info.resource)),
    );
    return fault && this.#rng.next() * 100 < fault.percent ? fault : undefined;
  }

  async #delay({ delayMs, jitterMs }: RequestFault, signal: AbortSignal): Promise<void> {
    const waitMs = delayMs + (jitterMs > 0 ? jitterMs * this.#rng.next() : 0);
    if (waitMs > 0) await this.#clock.sleep(waitMs, signal);
  }
}

const noDescriptor = (): Error => new NoAnswer("accept4: too many open files");

function parse(values: Readonly<Record<string, unknown>>): RequestFault {
  const read = new FaultParameters(values, NAMES);
  const status = read.number("status", 599);
  const denial = denialOf(read.text("denial"));
  return {
    clients: read.texts("clients"),
    verbs: read.texts("verbs"),
    resources: read.texts("resources"),
    percent: values["percent"] === undefined ? 100 : read.percent("percent"),
    delayMs: read.number("delayMs"),
    jitterMs: read.number("jitterMs"),
    status: denial ?? (status === 0 ? undefined : errorOf(status, read.number("retryAfterSeconds") || 1)),
    ambiguous: read.flag("ambiguous"),
    limit: values.most === undefined ? undefined : { most: read.number("most"), open: 0 },
  };
}

// Upstream: apiserver/pkg/admission/plugin/webhook/errors ToStatusErr.
/** As the API server passes on what an admission webhook said. */
function denialOf(reason: string | undefined): StatusError | undefined {
  if (reason === undefined) return undefined;
  const message = `admission webhook "chaos.kubesim.dev" denied the request: ${reason}`;
  return new StatusError({ code: 403, reason: "Forbidden", message });
}

/** As a server under that kind of trouble says it. */
function errorOf(code: number, retryAfterSeconds: number): StatusError {
  switch (code) {
    case 409:
      return newConflict({ group: "", resource: "" }, "", "the object has been modified");
    case 429:
      return newTooManyRequests("too many requests, please try again later", retryAfterSeconds);
    case 500:
      return newInternalError("injected by a fault");
    case 503:
      return newServiceUnavailable("the server is currently unable to handle the request");
    case 504:
      return newTimeout("request did not complete within the allotted timeout", retryAfterSeconds);
    default:
      throw new RangeError("status must be one of 409, 429, 500, 503, 504");
  }
}
