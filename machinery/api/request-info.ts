/** What a request is about, read from its method and path alone (apiserver pkg/endpoints/request/requestinfo.go). */
export interface RequestInfo {
  isResourceRequest: boolean;
  /** get, list, watch, create, update, patch, delete, deletecollection; the lower-case method on other paths. */
  verb: string;
  /** Without the query. */
  path: string;
  group: string;
  version: string;
  /** "" on /api/v1 and the like. */
  resource: string;
  subresource: string;
  /** "" when the path names none. */
  namespace: string;
  name: string;
  /** What follows the subresource: `nodes/n/proxy/<here>`. */
  rest: string;
}

const VERBS: Readonly<Record<string, string>> = {
  GET: "get",
  HEAD: "get",
  POST: "create",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};

/** Segments after `namespaces/<name>/` that are subresources of the namespace itself. */
const NAMESPACE_SUBRESOURCES: ReadonlySet<string> = new Set(["status", "finalize"]);

export const splitQuery = (target: string): { path: string; search: string } => {
  const mark = target.indexOf("?");
  return mark < 0
    ? { path: target, search: "" }
    : { path: target.slice(0, mark), search: target.slice(mark + 1) };
};

/** Never throws; a path that is none of the API's is a plain one. */
export function parseRequestInfo(method: string, path: string, query: URLSearchParams): RequestInfo {
  const info: RequestInfo = {
    isResourceRequest: false,
    verb: method.toLowerCase(),
    path,
    group: "",
    version: "",
    resource: "",
    subresource: "",
    namespace: "",
    name: "",
    rest: "",
  };
  const parts = segments(path);
  const root = parts[0];
  const isCore = root === "api";
  const first = isCore ? 2 : 3;
  if ((!isCore && root !== "apis") || parts.length <= first) return info;
  info.isResourceRequest = true;
  info.group = isCore ? "" : (parts[1] ?? "");
  info.version = parts[first - 1] ?? "";
  info.verb = VERBS[method] ?? "";
  locate(info, parts, watchPrefix(info, parts, first));
  chooseVerb(info, query);
  return info;
}

/** `/api/v1/watch/pods`, the old spelling of a watch. */
function watchPrefix(info: RequestInfo, parts: readonly string[], first: number): number {
  if (parts[first] !== "watch" || parts.length === first + 1) return first;
  info.verb = "watch";
  return first + 1;
}

function locate(info: RequestInfo, parts: readonly string[], first: number): void {
  let at = first;
  const inNamespace = parts[at] === "namespaces" && parts.length > at + 1;
  if (inNamespace) {
    info.namespace = parts[at + 1] ?? "";
    const below = parts[at + 2];
    if (below !== undefined && !NAMESPACE_SUBRESOURCES.has(below)) at += 2;
  }
  info.resource = parts[at] ?? "";
  info.name = parts[at + 1] ?? "";
  info.subresource = parts[at + 2] ?? "";
  info.rest = parts.slice(at + 3).join("/");
}

function chooseVerb(info: RequestInfo, query: URLSearchParams): void {
  if (info.name !== "") return;
  if (info.verb === "get") info.verb = isTrue(query.get("watch")) ? "watch" : "list";
  else if (info.verb === "delete") info.verb = "deletecollection";
}

/** Query flags as Go's conversion reads them: present and neither "false" nor "0" is true. */
export const isTrue = (value: string | null): boolean =>
  value !== null && value !== "0" && value.toLowerCase() !== "false";

function segments(path: string): string[] {
  const trimmed = path.endsWith("/") ? path.slice(1, -1) : path.slice(1);
  const parts = trimmed.split("/");
  return path.includes("%") ? parts.map(decodeSegment) : parts;
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
