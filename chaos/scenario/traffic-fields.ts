import {
  type FieldError,
  type FieldPath,
  forbidden,
  invalid,
  required,
} from "../../machinery/api/field-error.js";
import { newTraffic } from "./defaults.js";
import {
  choice,
  defined,
  duration,
  durationRange,
  type FieldType,
  flag,
  map,
  number,
  object,
  of,
  oneOrMore,
  scalar,
  text,
  type Values,
} from "./fields.js";
import type { TrafficSpec } from "./types.js";

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

export const trafficFields = {
  name: of(text, "how the history calls this client", { required: true }),
  from: of(choice("pod", "host"), "client pods inside the cluster, or this machine through a node port", {
    default: "pod",
  }),
  namespace: of(text, "of the client pods, or of the Service", { default: "default" }),
  url: of(text, "for pod: http://web/path, udp://web:5000, or dns://web.default.svc.cluster.local"),
  service: of(text, "for host: a Service with a node port"),
  port: of(scalar, "for host: name or number of the Service's port", { default: "its first" }),
  node: of(text, "for pod: the node that the client pods run on"),
  clients: of(number(1, 1000, true), "beside each other, each with the whole rate", { default: "1" }),
  loop: of(choice("open", "closed"), "open: a slow answer does not hold the next request back", {
    default: "open; closed when think is given",
  }),
  perSecond: of(number(0.01, 10_000), "requests of each client; in a closed loop the most", {
    default: "10",
  }),
  think: of(durationRange, "closed loop: the pause after each answer", { default: "0s" }),
  ramp: of(duration, "the rate grows to perSecond over this time", { default: "0s" }),
  timeout: of(duration, "of one request", { default: "2s" }),
  keepAlive: of(flag, "one connection for many requests", { default: "false" }),
  method: of(choice(...METHODS), "of HTTP", { default: "GET" }),
  path: of(text, "for host", { default: "/" }),
  headers: of(map, "of HTTP"),
  body: of(scalar, "of HTTP, or the datagram of udp"),
  expect: of(oneOrMore(number(100, 599, true)), "other statuses are failures", { default: "200" }),
  start: of(duration, "when it begins", { default: "0s" }),
  duration: of(duration, "how long it goes on", { default: "to the end" }),
};

export const traffic: FieldType<TrafficSpec> = object(trafficFields, buildTraffic);

function buildTraffic(
  values: Values<typeof trafficFields>,
  at: FieldPath,
  errors: FieldError[],
): TrafficSpec {
  const { name = "", from = "pod", think, ramp, timeout, expect, start, duration: lasts, ...rest } = values;
  checkAddress({ ...values, from }, at, errors);
  if (think !== undefined && rest.loop === "open")
    errors.push(forbidden(at.child("think"), "an open loop waits for no answer; use loop: closed"));
  return newTraffic(
    defined({
      ...rest,
      name,
      from,
      loop: rest.loop ?? (think === undefined ? "open" : "closed"),
      thinkMs: think,
      rampMs: ramp,
      timeoutMs: timeout,
      expectStatus: expect,
      startMs: start,
      durationMs: lasts,
    }),
  );
}

/** Each is kept in memory until the checkers have read it. */
const MOST_REQUESTS = 1_000_000;

/** What clients of a run could send at the most, told where it is too much. */
export function tooManyRequests(
  clients: readonly TrafficSpec[],
  durationMs: number,
  at: FieldPath,
): FieldError[] {
  const total = clients
    .map(
      ({ clients: count, perSecond, durationMs: lasts }) =>
        (count * perSecond * (lasts ?? durationMs)) / 1000,
    )
    .reduce((a, b) => a + b, 0);
  return total > MOST_REQUESTS
    ? [invalid(at, Math.round(total), `so many requests would be sent; at most ${MOST_REQUESTS} are kept`)]
    : [];
}

const SCHEMES = ["http:", "udp:", "dns:"];

function checkAddress(
  { from, url, service }: Values<typeof trafficFields>,
  at: FieldPath,
  errors: FieldError[],
): void {
  if (from === "host") {
    if (service === undefined) errors.push(required(at.child("service")));
    if (url !== undefined)
      errors.push(forbidden(at.child("url"), "the host calls a Service; use service, port and path"));
    return;
  }
  if (service !== undefined)
    errors.push(forbidden(at.child("service"), "a client pod calls a url; use url, or from: host"));
  if (url === undefined) errors.push(required(at.child("url")));
  else if (!URL.canParse(url) || !SCHEMES.includes(new URL(url).protocol))
    errors.push(invalid(at.child("url"), url, "must be http://…, udp://host:port or dns://name"));
}
