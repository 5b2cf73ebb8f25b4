import type { ResourceRule } from "./authorizer.js";
import type { Policy } from "./policy-authorizer.js";
import { AUTHENTICATED_GROUP, UNAUTHENTICATED_GROUP } from "./user-info.js";

const READ = ["get", "list", "watch"];

const rule = (group: string, resources: readonly string[], verbs: readonly string[]): ResourceRule => ({
  verbs: [...verbs],
  apiGroups: [group],
  resources: [...resources],
});

const events: readonly ResourceRule[] = [
  rule("", ["events"], ["create", "patch", "update"]),
  rule("events.k8s.io", ["events"], ["create", "patch", "update"]),
];
const leases = rule(
  "coordination.k8s.io",
  ["leases"],
  ["create", "delete", "get", "list", "patch", "update", "watch"],
);

const DISCOVERY_PATHS = [
  "/api",
  "/api/*",
  "/apis",
  "/apis/*",
  "/healthz",
  "/livez",
  "/openapi",
  "/openapi/*",
  "/readyz",
  "/version",
  "/version/",
];

// Upstream: plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go.
/** What the built-in components and everybody may do. RBAC objects will say this in the API itself. */
export const builtinPolicies: readonly Policy[] = [
  {
    role: "system:public-info-viewer",
    groups: [AUTHENTICATED_GROUP, UNAUTHENTICATED_GROUP],
    nonResourceRules: [
      { verbs: ["get"], nonResourceURLs: ["/healthz", "/livez", "/readyz", "/version", "/version/"] },
    ],
  },
  {
    role: "system:discovery",
    groups: [AUTHENTICATED_GROUP],
    nonResourceRules: [
      {
        verbs: ["get"],
        nonResourceURLs: DISCOVERY_PATHS,
      },
    ],
  },
  {
    role: "system:basic-user",
    groups: [AUTHENTICATED_GROUP],
    resourceRules: [
      rule("authorization.k8s.io", ["selfsubjectaccessreviews", "selfsubjectrulesreviews"], ["create"]),
      rule("authentication.k8s.io", ["selfsubjectreviews"], ["create"]),
    ],
  },
  {
    role: "system:service-account-issuer-discovery",
    groups: ["system:serviceaccounts"],
    nonResourceRules: [
      { verbs: ["get"], nonResourceURLs: ["/.well-known/openid-configuration", "/openid/v1/jwks"] },
    ],
  },
  {
    role: "system:kube-scheduler",
    users: ["system:kube-scheduler"],
    resourceRules: [
      ...events,
      leases,
      rule("", ["pods"], ["delete", ...READ]),
      rule("", ["bindings", "pods/binding"], ["create"]),
      rule("", ["pods/status"], ["patch", "update"]),
      rule("", ["nodes", "namespaces", "services", "replicationcontrollers"], READ),
      rule("", ["persistentvolumeclaims", "persistentvolumes"], [...READ, "patch", "update"]),
      rule("apps", ["replicasets", "statefulsets"], READ),
      rule("policy", ["poddisruptionbudgets"], READ),
      rule("storage.k8s.io", ["*"], READ),
      rule("resource.k8s.io", ["*"], READ),
      rule("authentication.k8s.io", ["tokenreviews"], ["create"]),
      rule("authorization.k8s.io", ["subjectaccessreviews"], ["create"]),
    ],
  },
  {
    // Upstream splits this by controller, each with a ServiceAccount of its own; here they share one identity.
    role: "system:kube-controller-manager",
    users: ["system:kube-controller-manager"],
    resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }],
    nonResourceRules: [{ verbs: ["get"], nonResourceURLs: ["*"] }],
  },
  {
    role: "system:node",
    groups: ["system:nodes"],
    resourceRules: [
      ...events,
      leases,
      rule("", ["nodes"], ["create", "patch", "update", ...READ]),
      rule("", ["nodes/status"], ["patch", "update"]),
      rule("", ["pods"], ["create", "delete", ...READ]),
      rule("", ["pods/status"], ["patch", "update"]),
      rule("", ["pods/eviction"], ["create"]),
      rule("", ["serviceaccounts/token"], ["create"]),
      rule("", ["services", "endpoints", "configmaps", "secrets", "serviceaccounts", "namespaces"], READ),
      rule("", ["persistentvolumeclaims", "persistentvolumes"], READ),
      rule("discovery.k8s.io", ["endpointslices"], READ),
      rule("storage.k8s.io", ["*"], READ),
      rule("node.k8s.io", ["runtimeclasses"], READ),
      rule("certificates.k8s.io", ["certificatesigningrequests"], ["create", ...READ]),
      rule("authentication.k8s.io", ["tokenreviews"], ["create"]),
      rule("authorization.k8s.io", ["localsubjectaccessreviews", "subjectaccessreviews"], ["create"]),
    ],
  },
  {
    role: "system:node-proxier",
    users: ["system:kube-proxy"],
    resourceRules: [
      ...events,
      leases,
      rule("", ["nodes", "services", "endpoints"], READ),
      rule("discovery.k8s.io", ["endpointslices"], READ),
      rule("networking.k8s.io", ["servicecidrs"], READ),
    ],
  },
  {
    // The ClusterRole of ingress-nginx, for every controller that is installed in its namespace.
    role: "ingress-nginx",
    groups: ["system:serviceaccounts:ingress-nginx"],
    resourceRules: [
      ...events,
      leases,
      rule("", ["configmaps", "endpoints", "nodes", "pods", "secrets", "namespaces"], ["list", "watch"]),
      rule("", ["nodes", "services"], READ),
      rule("networking.k8s.io", ["ingresses", "ingressclasses"], READ),
      rule("networking.k8s.io", ["ingresses/status"], ["update"]),
      rule("discovery.k8s.io", ["endpointslices"], READ),
    ],
  },
  {
    role: "system:coredns",
    users: ["system:serviceaccount:kube-system:coredns"],
    resourceRules: [
      rule("", ["endpoints", "services", "pods", "namespaces"], ["list", "watch"]),
      rule("discovery.k8s.io", ["endpointslices"], ["list", "watch"]),
      rule("", ["nodes"], ["get"]),
    ],
  },
];
