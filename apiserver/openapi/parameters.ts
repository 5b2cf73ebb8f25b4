/** A parameter of an operation, in the terms that OpenAPI v2 and v3 share. */
export interface Parameter {
  name: string;
  in: "query" | "path";
  type: "string" | "integer" | "boolean";
  description: string;
}

const query = (name: string, type: Parameter["type"], description: string): Parameter => ({
  name,
  in: "query",
  type,
  description,
});
const inPath = (name: string, description: string): Parameter => ({
  name,
  in: "path",
  type: "string",
  description,
});

const NAMESPACE = inPath("namespace", "object name and auth scope, such as for teams and projects");
/** The namespace of a namespaced resource. */
export const scopeParameters = ({ namespaced }: { namespaced: boolean }): Parameter[] =>
  namespaced ? [NAMESPACE] : [];
export const nameOf = (kind: string): Parameter => inPath("name", `name of the ${kind}`);
export const REST_OF_PATH = inPath("path", "path to the resource");
export const PRETTY = query("pretty", "string", "If 'true', then the output is pretty printed.");

const DRY_RUN = query(
  "dryRun",
  "string",
  "When present, modifications are not persisted. The only valid value is All: every stage of the request runs but the last.",
);
const FIELD_MANAGER = query(
  "fieldManager",
  "string",
  "The name of the actor that makes these changes, printable characters, at most 128. Taken from the User-Agent when missing.",
);
const APPLY_MANAGER = query(
  "fieldManager",
  "string",
  "The name of the actor that makes these changes, printable characters, at most 128. Required for apply requests.",
);
const FIELD_VALIDATION = query(
  "fieldValidation",
  "string",
  "What to do with unknown and duplicate fields. Ignore: drop them silently. Warn (the default): drop them and send a warning for each. Strict: refuse the request with an error that names all of them.",
);
const FORCE = query(
  "force",
  "boolean",
  "For apply requests only: take over fields that other managers own, instead of failing with a conflict.",
);
const FIELD_SELECTOR = query(
  "fieldSelector",
  "string",
  "Restrict the objects by their fields. Default: everything.",
);
const LABEL_SELECTOR = query(
  "labelSelector",
  "string",
  "Restrict the objects by their labels. Default: everything.",
);
const LIMIT = query(
  "limit",
  "integer",
  "The most objects to answer at once. When there are more, the list's metadata.continue retrieves the rest, all from one revision.",
);
const CONTINUE = query(
  "continue",
  "string",
  "The token of a previous page: answers the next one with the same parameters.",
);
const RESOURCE_VERSION = query(
  "resourceVersion",
  "string",
  "Which revision to answer from: unset the newest, 0 any, otherwise as resourceVersionMatch says; for watches, where to start.",
);
const RESOURCE_VERSION_MATCH = query(
  "resourceVersionMatch",
  "string",
  "How resourceVersion applies to lists: NotOlderThan or Exact.",
);
const SEND_INITIAL_EVENTS = query(
  "sendInitialEvents",
  "boolean",
  "Begin a watch with a synthetic event for each existing object, then a bookmark annotated k8s.io/initial-events-end. Needs resourceVersionMatch=NotOlderThan.",
);
const TIMEOUT_SECONDS = query(
  "timeoutSeconds",
  "integer",
  "End the call after this time, whatever happens in it.",
);
const ALLOW_BOOKMARKS = query(
  "allowWatchBookmarks",
  "boolean",
  "Send watch events of type BOOKMARK now and then.",
);
const WATCH = query(
  "watch",
  "boolean",
  "Stream changes as add, update and remove notifications instead of a list. Specify resourceVersion.",
);
const GRACE_PERIOD = query(
  "gracePeriodSeconds",
  "integer",
  "Seconds before the object is deleted: zero at once, unset the kind's default.",
);
const ORPHAN_DEPENDENTS = query(
  "orphanDependents",
  "boolean",
  "Deprecated: use propagationPolicy. Adds or removes the orphan finalizer.",
);
const PROPAGATION_POLICY = query(
  "propagationPolicy",
  "string",
  "Whether and how dependents are collected: Orphan, Background or Foreground.",
);

const SELECTION = [
  CONTINUE,
  FIELD_SELECTOR,
  LABEL_SELECTOR,
  LIMIT,
  RESOURCE_VERSION,
  RESOURCE_VERSION_MATCH,
  SEND_INITIAL_EVENTS,
  TIMEOUT_SECONDS,
];
const DELETION = [DRY_RUN, GRACE_PERIOD, ORPHAN_DEPENDENTS, PROPAGATION_POLICY];
const byName = (a: Parameter, b: Parameter): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

export const LIST_PARAMETERS = [ALLOW_BOOKMARKS, ...SELECTION, WATCH].toSorted(byName);
export const DELETE_PARAMETERS = DELETION;
export const DELETE_COLLECTION_PARAMETERS = [...SELECTION, ...DELETION].toSorted(byName);
export const WRITE_PARAMETERS = [DRY_RUN, FIELD_MANAGER, FIELD_VALIDATION];
export const PATCH_PARAMETERS = [DRY_RUN, APPLY_MANAGER, FIELD_VALIDATION, FORCE];

const CONTAINER = query("container", "string", "The container; may be left out when the pod has only one.");
const stream = (name: string, text: string): Parameter => query(name, "boolean", text);
const STREAMS = [
  CONTAINER,
  stream("stderr", "Redirect the standard error of the container for this call."),
  stream("stdin", "Redirect the standard input of the container for this call."),
  stream("stdout", "Redirect the standard output of the container for this call."),
  stream("tty", "Allocate a terminal for the call."),
];

/** Parameters of the subresources that take their options from the query, by the kind of those options. */
export const OPTIONS_PARAMETERS: Record<string, readonly Parameter[]> = {
  PodExecOptions: [
    query("command", "string", "The command and its arguments, one parameter each."),
    ...STREAMS,
  ],
  PodAttachOptions: STREAMS,
  PodPortForwardOptions: [query("ports", "integer", "The ports to forward; required for WebSockets.")],
  PodProxyOptions: [query("path", "string", "The URL path to use for the current proxy request to pod.")],
  ServiceProxyOptions: [
    query("path", "string", "The part of the URL after the service, for the proxied request."),
  ],
  NodeProxyOptions: [query("path", "string", "The URL path to use for the current proxy request to node.")],
};

export const LOG_PARAMETERS: readonly Parameter[] = [
  CONTAINER,
  query("follow", "boolean", "Follow the log of the pod."),
  query("limitBytes", "integer", "The most bytes to answer; may cut the last line."),
  PRETTY,
  query("previous", "boolean", "The log of the container's previous run."),
  query("sinceSeconds", "integer", "Only lines of the last so many seconds."),
  query("tailLines", "integer", "Only so many lines from the end; unset, all."),
  query("timestamps", "boolean", "Put an RFC 3339 timestamp before every line."),
];
