import { expect, test } from "@jest/globals";
import { generateKeyPairSync } from "node:crypto";
import type { HttpRequest } from "../../machinery/api/http.js";
import { isForbidden, isUnauthorized, StatusError } from "../../machinery/api/status.js";
import type { AuthorizationAttributes } from "./authorizer.js";
import { builtinPolicies } from "./builtin-policies.js";
import { newAccessDenied } from "./forbidden.js";
import { PolicyAuthorizer } from "./policy-authorizer.js";
import { RequestAuthenticator } from "./request-authenticator.js";
import { ServiceAccountTokens, type TokenBinding } from "./service-account-tokens.js";
import { StaticTokens } from "./static-tokens.js";
import { ANONYMOUS, type UserInfo } from "./user-info.js";

const authorizer = new PolicyAuthorizer(builtinPolicies);
const newKey = (): string =>
  generateKeyPairSync("ec", { namedCurve: "P-256" })
    .privateKey.export({ type: "pkcs8", format: "pem" })
    .toString();
const key = newKey();
let nowMs = 1_000_000_000;
let isLive = (_binding: TokenBinding): boolean => true;
const tokens = new ServiceAccountTokens({
  key,
  clock: { nowMs: () => nowMs },
  secrets: { randomBytes: (length) => new Uint8Array(length) },
  isLive: (binding) => isLive(binding),
});
const authenticator = new RequestAuthenticator({
  tokens: [tokens, new StaticTokens('secret,jane,42,"dev,ops"\nother,joe,')],
  authorizer,
});

const from = (headers: Record<string, string>, more: Partial<HttpRequest> = {}): HttpRequest => ({
  method: "GET",
  path: "/",
  headers,
  ...more,
});
const bearer = (token: string): HttpRequest => from({ authorization: `Bearer ${token}` });
const admin = { clientCertificate: { commonName: "kubernetes-admin", organizations: ["system:masters"] } };
const binding: TokenBinding = {
  namespace: "kube-system",
  serviceAccount: { name: "coredns", uid: "u1" },
  pod: { name: "coredns-1", uid: "u2" },
};

test("a client certificate names the user by CN and the groups by O", () => {
  expect(authenticator.authenticate(from({}, admin))).toEqual({
    name: "kubernetes-admin",
    groups: ["system:masters", "system:authenticated"],
  });
});

test("a request without credentials is nobody's, one with wrong ones is refused", () => {
  expect(authenticator.authenticate(from({}))).toBeUndefined();
  expect(authenticator.authenticate(from({ authorization: "Basic eA==" }))).toBeUndefined();
  const refusals = [
    bearer("guess"),
    bearer("a.b.c"),
    from({}, { clientCertificateError: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" }),
  ];
  for (const request of refusals) {
    const err = thrownBy(() => authenticator.authenticate(request));
    expect(isUnauthorized(err)).toBe(true);
    expect((err as StatusError).status).toMatchObject({ code: 401, message: "Unauthorized" });
  }
});

test("a static token names its user and groups", () => {
  expect(authenticator.authenticate(bearer("secret"))).toEqual({
    name: "jane",
    uid: "42",
    groups: ["dev", "ops", "system:authenticated"],
  });
  expect(() => new StaticTokens("only-a-token")).toThrow(
    'token file: line 1 must be token,user,uid[,"group1,group2"]',
  );
});

test("a ServiceAccount's token names the account, its namespace and the pod it is bound to", () => {
  const { token, expiresAtMs } = tokens.issue(binding, { expirationSeconds: 600 });
  expect(expiresAtMs).toBe(nowMs + 600_000);
  expect(authenticator.authenticate(bearer(token))).toEqual({
    name: "system:serviceaccount:kube-system:coredns",
    uid: "u1",
    groups: ["system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"],
    extra: {
      "authentication.kubernetes.io/credential-id": ["JTI=00000000-0000-4000-8000-000000000000"],
      "authentication.kubernetes.io/pod-name": ["coredns-1"],
      "authentication.kubernetes.io/pod-uid": ["u2"],
    },
  });
});

test("a token that ran out, was forged, is for others or whose pod is gone is refused", () => {
  const { token } = tokens.issue(binding, { expirationSeconds: 600 });
  expect(tokens.authenticateToken(token)).toBeDefined();
  isLive = ({ pod }) => pod?.uid !== "u2";
  expect(tokens.authenticateToken(token)).toBeUndefined();
  isLive = () => true;
  nowMs += 600_000;
  expect(tokens.authenticateToken(token)).toBeUndefined();

  const forger = new ServiceAccountTokens({
    key: newKey(),
    clock: { nowMs: () => nowMs },
    secrets: { randomBytes: (length) => new Uint8Array(length) },
  });
  expect(tokens.authenticateToken(forger.issue(binding, { expirationSeconds: 600 }).token)).toBeUndefined();
  const [head, , signature] = tokens.issue(binding, { expirationSeconds: 600 }).token.split(".");
  const claims = Buffer.from(JSON.stringify({ iss: tokens.issuer, exp: 9e9 })).toString("base64url");
  expect(tokens.authenticateToken(`${head}.${claims}.${signature}`)).toBeUndefined();
  const unsigned = Buffer.from('{"alg":"none"}').toString("base64url");
  expect(tokens.authenticateToken(`${unsigned}.${claims}.`)).toBeUndefined();
  const forVault = tokens.issue(binding, { audiences: ["vault"], expirationSeconds: 600 });
  expect(tokens.authenticateToken(forVault.token)).toBeUndefined();
});

test("a certificate without a common name speaks for nobody, whatever its organisation", () => {
  const nameless = { clientCertificate: { commonName: "", organizations: ["system:masters"] } };
  expect(authenticator.authenticate(from({}, nameless))).toBeUndefined();
  expect(authenticator.authenticate(from({ authorization: "Bearer secret" }, nameless))?.name).toBe("jane");
});

test("nobody in particular may not impersonate either", () => {
  expect(() => authenticator.authenticate(from({ "impersonate-user": "jane" }))).toThrow(
    'users "jane" is forbidden: User "system:anonymous" cannot impersonate resource "users" in API group "" at the cluster scope',
  );
});

test("a token that is changed, unsigned or signed by another key is refused", () => {
  const { token } = tokens.issue(binding, { expirationSeconds: 3600 });
  const [header = "", claims = "", signature = ""] = token.split(".");
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const decoded = JSON.parse(Buffer.from(claims, "base64url").toString()) as object;
  const forged = [
    `${part({ alg: "none" })}.${claims}.`,
    `${part({ alg: "none" })}.${claims}.${signature}`,
    `${part({ alg: "HS256" })}.${claims}.${signature}`,
    `${header}.${part({ ...decoded, sub: "system:admin" })}.${signature}`,
    `${header}.${claims}.`,
    `${header}.${claims}.AAAA`,
    `${header}.${claims}.${signature}.x`,
    "..",
  ];
  for (const text of forged) expect(tokens.authenticateToken(text)).toBeUndefined();
  expect(tokens.authenticateToken(token)).toBeDefined();
});

test("who may impersonate becomes the other, who may not is told so", () => {
  const asJane = { "impersonate-user": "jane", "impersonate-group": "dev\u0000ops" };
  expect(authenticator.authenticate(from(asJane, admin))).toEqual({
    name: "jane",
    groups: ["dev", "ops", "system:authenticated"],
  });
  const asAccount = { "impersonate-user": "system:serviceaccount:default:web" };
  expect(authenticator.authenticate(from(asAccount, admin))?.groups).toEqual([
    "system:serviceaccounts",
    "system:serviceaccounts:default",
    "system:authenticated",
  ]);
  const err = thrownBy(() => authenticator.authenticate(from({ ...asJane, authorization: "Bearer other" })));
  expect(isForbidden(err)).toBe(true);
  expect((err as StatusError).message).toBe(
    'users "jane" is forbidden: User "joe" cannot impersonate resource "users" in API group "" at the cluster scope',
  );
});

const asks = (user: UserInfo, asked: Partial<AuthorizationAttributes>): AuthorizationAttributes => ({
  user,
  verb: "get",
  resourceRequest: true,
  group: "",
  version: "v1",
  resource: "",
  subresource: "",
  namespace: "",
  name: "",
  path: "",
  ...asked,
});
const path = (user: UserInfo, url: string): boolean =>
  authorizer.authorize(asks(user, { resourceRequest: false, path: url })).allowed;
const may = (user: UserInfo, verb: string, resource: string, more: Partial<AuthorizationAttributes> = {}) =>
  authorizer.authorize(asks(user, { verb, resource, ...more })).allowed;

test("anonymous sees health and version, everybody else discovery too", () => {
  const jane: UserInfo = { name: "jane", groups: ["system:authenticated"] };
  const paths = ["/healthz", "/version", "/api", "/openapi/v3", "/metrics"];
  expect(paths.map((url) => path(ANONYMOUS, url))).toEqual([true, true, false, false, false]);
  expect(paths.map((url) => path(jane, url))).toEqual([true, true, true, true, false]);
  expect(may(jane, "list", "pods")).toBe(false);
  expect(may(jane, "create", "selfsubjectaccessreviews", { group: "authorization.k8s.io" })).toBe(true);
});

test("the components may do what their roles say and no more", () => {
  const component = (name: string, ...groups: string[]): UserInfo => ({ name, groups });
  const node = component("system:node:node-1", "system:nodes");
  const proxy = component("system:kube-proxy");
  const coredns = component("system:serviceaccount:kube-system:coredns");
  expect(may(component("kubernetes-admin", "system:masters"), "delete", "nodes")).toBe(true);
  expect(may(component("system:kube-scheduler"), "create", "pods", { subresource: "binding" })).toBe(true);
  expect(may(component("system:kube-scheduler"), "create", "pods")).toBe(false);
  expect(may(node, "patch", "pods", { subresource: "status" })).toBe(true);
  expect(may(node, "create", "deployments", { group: "apps" })).toBe(false);
  expect(may(proxy, "watch", "endpointslices", { group: "discovery.k8s.io" })).toBe(true);
  expect(may(proxy, "update", "services")).toBe(false);
  expect(may(coredns, "list", "services")).toBe(true);
  expect(may(coredns, "list", "secrets")).toBe(false);
  const ingress = component(
    "system:serviceaccount:ingress-nginx:ingress-nginx",
    "system:serviceaccounts:ingress-nginx",
  );
  expect(may(ingress, "watch", "secrets")).toBe(true);
  expect(may(ingress, "update", "ingresses", { group: "networking.k8s.io", subresource: "status" })).toBe(
    true,
  );
  expect(may(ingress, "update", "ingresses", { group: "networking.k8s.io" })).toBe(false);
});

test("the rules of a user are those of all their roles", () => {
  const { resourceRules, nonResourceRules } = authorizer.rulesFor(
    { name: "jane", groups: ["system:authenticated"] },
    "default",
  );
  expect(resourceRules.flatMap(({ resources }) => resources)).toEqual([
    "selfsubjectaccessreviews",
    "selfsubjectrulesreviews",
    "selfsubjectreviews",
  ]);
  expect(nonResourceRules.flatMap(({ nonResourceURLs }) => nonResourceURLs)).toContain("/openapi/*");
});

test("a refusal reads as a real server's", () => {
  const jane: UserInfo = { name: "jane", groups: [] };
  const list = asks(jane, { verb: "list", resource: "pods", namespace: "default" });
  expect(newAccessDenied(list).message).toBe(
    'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"',
  );
  const scale = asks(jane, {
    verb: "patch",
    group: "apps",
    resource: "deployments",
    subresource: "scale",
    name: "web",
  });
  expect(newAccessDenied(scale, "why").message).toBe(
    'deployments.apps "web" is forbidden: User "jane" cannot patch resource "deployments/scale" in API group "apps" at the cluster scope: why',
  );
  expect(newAccessDenied(asks(jane, { resourceRequest: false, path: "/metrics" })).message).toBe(
    'forbidden: User "jane" cannot get path "/metrics"',
  );
});

function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (err) {
    return err;
  }
  return undefined;
}
