import {
  type FieldError,
  field,
  forbidden,
  invalid,
  newInvalid,
  notSupported,
} from "../../machinery/api/field-error.js";
import {
  EVERY_FIELD,
  type FieldSelector,
  FieldSelectorError,
  parseFieldSelector,
} from "../../machinery/api/fields.js";
import { parseSelector } from "../../machinery/api/label-parser.js";
import { EVERYTHING, type Selector, SelectorError } from "../../machinery/api/labels.js";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import { isTrue } from "../../machinery/api/request-info.js";
import { newBadRequest } from "../../machinery/api/status.js";
import { newTooLargeResourceVersion } from "../registry/list-objects.js";
import type { Selection } from "../registry/selection.js";
import type { ServedResource } from "../registry/serve.js";
import type { Revision } from "../storage/storage.js";

/** meta/v1 ListOptions as it stands in a query. */
export interface ListParameters {
  labels: Selector;
  fields: FieldSelector;
  watch: boolean;
  allowWatchBookmarks: boolean;
  /** "" when absent. */
  resourceVersion: string;
  resourceVersionMatch: string;
  timeoutSeconds: number | undefined;
  limit: number;
  continueToken: string;
  sendInitialEvents: boolean | undefined;
}

/** Throws BadRequest for what cannot be parsed, Invalid for what does not go together. */
export function listParameters<T extends KubeObject>(
  query: URLSearchParams,
  resource: ServedResource<T>,
  watch: boolean,
): ListParameters {
  const sendInitialEvents = query.get("sendInitialEvents");
  const parameters: ListParameters = {
    labels: labelSelector(query.get("labelSelector")),
    fields: fieldSelector(query.get("fieldSelector"), resource),
    watch,
    allowWatchBookmarks: isTrue(query.get("allowWatchBookmarks")),
    resourceVersion: query.get("resourceVersion") ?? "",
    resourceVersionMatch: query.get("resourceVersionMatch") ?? "",
    timeoutSeconds: integer(query.get("timeoutSeconds")),
    limit: integer(query.get("limit")) ?? 0,
    continueToken: query.get("continue") ?? "",
    sendInitialEvents: sendInitialEvents === null ? undefined : isTrue(sendInitialEvents),
  };
  const errors = validate(parameters);
  if (errors.length > 0) throw newInvalid({ group: "meta.k8s.io", kind: "ListOptions" }, "", errors);
  return parameters;
}

export const selectionOf = (
  { labels, fields }: ListParameters,
  namespace: string,
  namespaced: boolean,
): Selection => ({ labels, fields, namespace: namespaced ? namespace : "" });

function labelSelector(text: string | null): Selector {
  if (!text) return EVERYTHING;
  try {
    return parseSelector(text);
  } catch (err) {
    if (err instanceof SelectorError) throw newBadRequest(err.message);
    throw err;
  }
}

function fieldSelector<T extends KubeObject>(
  text: string | null,
  resource: ServedResource<T>,
): FieldSelector {
  if (!text) return EVERY_FIELD;
  try {
    const selector = parseFieldSelector(text);
    for (const { field: label } of selector.requirements) checkFieldLabel(label, resource);
    return selector;
  } catch (err) {
    if (err instanceof FieldSelectorError) throw newBadRequest(err.message);
    throw err;
  }
}

function checkFieldLabel<T extends KubeObject>(label: string, resource: ServedResource<T>): void {
  if (label === "metadata.name" || label === "metadata.namespace") return;
  const selectable = resource.selectableFields ?? [];
  if (selectable.includes(label)) return;

  // Kinds with fields of their own say it one way, the generic conversion says it another.
  throw newBadRequest(
    selectable.length > 0
      ? `field label not supported: ${label}`
      : `${JSON.stringify(label)} is not a known field selector: only "metadata.name", "metadata.namespace"`,
  );
}

function integer(text: string | null): number | undefined {
  if (text === null || text === "") return undefined;
  if (!/^-?\d+$/.test(text))
    throw newBadRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

// Messages: apimachinery pkg/apis/meta/internalversion/validation.
function validate(parameters: ListParameters): FieldError[] {
  return parameters.watch ? validateWatch(parameters) : validateList(parameters);
}

const matchField = field("resourceVersionMatch");

function validateList(parameters: ListParameters): FieldError[] {
  const { resourceVersionMatch: match, resourceVersion, continueToken } = parameters;
  const errors: FieldError[] = [];
  if (parameters.sendInitialEvents !== undefined)
    errors.push(forbidden(field("sendInitialEvents"), "sendInitialEvents is forbidden for list"));
  if (match === "") return errors;
  if (continueToken !== "")
    errors.push(forbidden(matchField, "resourceVersionMatch is forbidden when continue is provided"));
  if (resourceVersion === "")
    errors.push(
      forbidden(matchField, "resourceVersionMatch is forbidden unless resourceVersion is provided"),
    );
  if (match !== "Exact" && match !== "NotOlderThan")
    errors.push(notSupported(matchField, match, ["Exact", "NotOlderThan", ""]));
  if (match === "Exact" && resourceVersion === "0")
    errors.push(forbidden(matchField, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
  return errors;
}

function validateWatch(parameters: ListParameters): FieldError[] {
  const { resourceVersionMatch: match, sendInitialEvents, continueToken } = parameters;
  const errors: FieldError[] = [];
  if (match !== "" && sendInitialEvents === undefined)
    errors.push(
      forbidden(
        matchField,
        "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
      ),
    );
  if (sendInitialEvents !== undefined && match !== "NotOlderThan")
    errors.push(
      forbidden(matchField, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"),
    );
  if (match !== "" && match !== "NotOlderThan")
    errors.push(notSupported(matchField, match, ["NotOlderThan"]));
  if (match !== "" && continueToken !== "")
    errors.push(forbidden(matchField, "resourceVersionMatch is forbidden when continue is provided"));
  return errors;
}

/** A resourceVersion as a number; throws for what is none. */
export function parseResourceVersion(text: string): Revision {
  if (/^\d{1,20}$/.test(text)) return Number(text);
  throw newInvalid({ group: "meta.k8s.io", kind: "ListOptions" }, "", [
    invalid(
      field("resourceVersion"),
      text,
      `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`,
    ),
  ]);
}

/** This server's reads are always fresh, so "not older than" holds unless the revision is still to come. */
export function checkResourceVersion(text: string, current: Revision): void {
  const asked = parseResourceVersion(text);
  if (asked > current) throw newTooLargeResourceVersion(asked, current);
}
