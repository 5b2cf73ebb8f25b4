import { type FieldError, type FieldPath, invalid } from "../../machinery/api/field-error.js";
import { parseSelector } from "../../machinery/api/label-parser.js";
import { SelectorError } from "../../machinery/api/labels.js";
import { COMPONENTS } from "../reach.js";
import { newTarget } from "./defaults.js";
import {
  choice,
  defined,
  duration,
  type FieldType,
  flag,
  number,
  object,
  of,
  oneOrMore,
  percent,
  text,
  type Values,
} from "./fields.js";
import type { LinkEnd, TargetSpec } from "./types.js";

export const labelSelector: FieldType<string> = {
  ...text,
  type: "label selector",
  read(value, at, errors) {
    const found = text.read(value, at, errors);
    try {
      if (found !== undefined) parseSelector(found);
      return found;
    } catch (err) {
      if (!(err instanceof SelectorError)) throw err;
      errors.push(invalid(at, value, err.message));
      return undefined;
    }
  },
};

const OWNER = /^(deployments?|deploy|replicasets?|rs)\/[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/i;

const owner: FieldType<string> = {
  ...text,
  type: "kind/name",
  read(value, at, errors) {
    if (typeof value === "string" && OWNER.test(value)) return value;
    errors.push(invalid(at, value, "must be an owner such as deployment/web or replicaset/web-5d4f"));
    return undefined;
  },
};

const namespace = of(text, "`*` is every namespace", { default: "default" });
const name = of(text, "a name, or a pattern with `*`");
const zone = of(text, "on nodes with this label topology.kubernetes.io/zone");

export const linkEndFields = {
  namespace,
  selector: of(labelSelector, "pods with these labels (nodes with kind: nodes)"),
  name: of(text, "a pod, or a pattern with `*`"),
  owner: of(owner, "pods of a Deployment or ReplicaSet"),
  node: of(text, "the node of that name, or pods on it when a selector is given"),
  zone,
  component: of(choice(...COMPONENTS), "a process of the cluster"),
  cidr: of(text, "addresses, such as 10.244.1.0/24"),
  kind: of(
    choice("pods", "nodes", "component", "host", "cidr"),
    "which end this is; told by the other fields",
  ),
};

const linkEnd: FieldType<LinkEnd> = object(linkEndFields, (values) =>
  defined({ namespace: "default", ...values, kind: values.kind ?? kindOf(values) }),
);

function kindOf(values: Values<typeof linkEndFields>): LinkEnd["kind"] {
  if (values.component !== undefined) return "component";
  if (values.cidr !== undefined) return "cidr";
  const ofPods = values.selector ?? values.name ?? values.owner;
  return ofPods === undefined && (values.node ?? values.zone) !== undefined ? "nodes" : "pods";
}

export const targetFields = {
  namespace,
  selector: of(labelSelector, "by labels: app=web,tier in (a,b)"),
  fieldSelector: of(text, "by fields: status.phase=Running"),
  name,
  owner: of(
    owner,
    "pods that a Deployment (through its ReplicaSets) or a ReplicaSet owns; of nodes, those that such pods run on",
  ),
  node: of(text, "pods on this node, or the node itself; a name or a pattern"),
  nodeSelector: of(labelSelector, "by labels of the node"),
  zone,
  phase: of(choice("Pending", "Running", "Succeeded", "Failed", "Unknown"), "pods in this phase"),
  minAge: of(duration, "only what is at least this old"),
  exclude: of(oneOrMore(text), "names or patterns that are left out"),
  component: of(choice(...COMPONENTS), "a process of the cluster"),
  from: of(linkEnd, "one end of links; absent is everything"),
  to: of(linkEnd, "the other end of links; absent is everything"),
  direction: of(choice("to", "from", "both"), "which way of the links", { default: "both" }),
  mode: of(
    choice("one", "all", "count", "percent", "random-max-percent", "fixed"),
    "how many of those that match are drawn (fixed is count)",
    { default: "one, or what count and percent say" },
  ),
  count: of(number(1, 100_000, true), "with mode count"),
  percent: of(percent, "with the modes of percent; rounded up"),
  optional: of(flag, "matching nothing is no error", { default: "false" }),
};

/** A target, and which of its fields were written. */
export interface GivenTarget {
  target: TargetSpec;
  given: ReadonlySet<string>;
}

export const target: FieldType<GivenTarget> = object(targetFields, (values, at, errors) => ({
  target: buildTarget(values, at, errors),
  given: new Set(Object.keys(values)),
}));

function buildTarget(values: Values<typeof targetFields>, at: FieldPath, errors: FieldError[]): TargetSpec {
  const { mode: asked, minAge, ...rest } = values;
  const given = asked === "fixed" ? "count" : asked;
  const implied = values.count === undefined ? (values.percent === undefined ? "one" : "percent") : "count";
  const mode = given ?? implied;
  if (values.count !== undefined && mode !== "count")
    errors.push(invalid(at.child("count"), values.count, `only with mode count, not ${mode}`));
  if (values.percent !== undefined && !mode.includes("percent"))
    errors.push(invalid(at.child("percent"), values.percent, `only with a mode of percent, not ${mode}`));
  return newTarget(defined({ ...rest, mode, minAgeMs: minAge }));
}
