import type { Fault, ParameterSpec } from "../fault.js";
import { definePointFault, given } from "../point-fault.js";

const concerned: Record<string, ParameterSpec> = {
  share: { type: "percent", help: "how many of the requests", default: "100%" },
  verbs: {
    type: "texts",
    help: "get, list, watch, create, update, patch, delete; absent: all",
    optional: true,
  },
  resources: { type: "texts", help: "plural names; absent: all", optional: true },
  clients: {
    type: "texts",
    help: "beginnings of user agents: kube-proxy, kubelet, kubesim-controllers, kubectl; absent: all but Kubesim's own commands",
    optional: true,
  },
};

interface RequestKind {
  name: string;
  summary: string;
  parameters: Record<string, ParameterSpec>;
  toPoint: (parameters: Record<string, unknown>) => Record<string, unknown>;
}

const kinds: readonly RequestKind[] = [
  {
    name: "api-errors",
    summary: "the API server answers requests with an error and does nothing",
    parameters: {
      status: {
        type: "choice",
        help: "the code",
        choices: ["409", "429", "500", "503", "504"],
        default: "500",
      },
      retryAfter: { type: "duration", help: "with 429 and 504: what Retry-After says", default: "1s" },
    },
    toPoint: ({ status, retryAfter }) => ({
      status: Number(status),
      retryAfterSeconds: Math.max(1, Math.ceil(Number(retryAfter) / 1000)),
    }),
  },
  {
    name: "api-latency",
    summary: "the API server answers late",
    parameters: {
      delay: { type: "duration", help: "before each request is served" },
      jitter: { type: "duration", help: "at most so much more, drawn anew", default: "0s" },
    },
    toPoint: ({ delay, jitter }) => ({ delayMs: delay, jitterMs: jitter }),
  },
  {
    name: "ambiguous-writes",
    summary: "writes are made, but their answers are lost: the client does not know",
    parameters: {},
    toPoint: () => ({ ambiguous: true }),
  },
  {
    name: "api-reject",
    summary: "writes are refused, as by an admission webhook: 403 with its reason",
    parameters: {
      reason: { type: "text", help: "what the webhook says", default: "not today" },
    },
    toPoint: ({ reason }) => ({ denial: reason }),
  },
  {
    name: "conflict-storm",
    summary: "updates and patches are answered with 409 Conflict",
    parameters: {},
    toPoint: () => ({ status: 409 }),
  },
];

const WRITES = ["create", "update", "patch", "delete"];
const defaultVerbs: Readonly<Record<string, readonly string[]>> = {
  "ambiguous-writes": WRITES,
  "api-reject": WRITES,
  "conflict-storm": ["update", "patch"],
};

/** What the API server makes of requests. */
export const apiRequestFaults: readonly Fault[] = kinds.map(({ name, summary, parameters, toPoint }) =>
  definePointFault({
    name,
    summary,
    layer: "apiserver",
    targets: "none",
    parameters: { ...parameters, ...concerned },
    choose: (_context, spec) => {
      const { share, verbs = defaultVerbs[name], resources, clients } = spec.parameters;
      const parameters = given({ ...toPoint(spec.parameters), percent: share, verbs, resources, clients });
      return Promise.resolve({
        leases: [{ component: "apiserver" as const, point: "requests", parameters }],
        hits: ["apiserver"],
      });
    },
  }),
);
