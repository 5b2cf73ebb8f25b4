import { CORE_FIELDS } from "./core-fields.js";

/** What a field number stands for. */
export interface NumberedField {
  name: string;
  /** A Go pointer: its zero value was meant. Of all other fields zero is the same as absent. */
  pointer: boolean;
  /** The message whose fields are the parent's own in JSON (a struct that Go embeds). */
  embeds: string | undefined;
}

/**
 * Field numbers of the API's messages, which its JSON form does not tell: facts of the published `generated.proto`
 * files. Names come in the order of their numbers from 1; `@7` goes on at 7, `name?` is a pointer, `^Message` is embedded.
 * Types come from the schema. What is missing here is refused, never dropped.
 */
const FIELDS: Readonly<Record<string, string>> = {
  ...CORE_FIELDS,

  "meta.v1.ObjectMeta":
    "name generateName namespace selfLink uid resourceVersion generation creationTimestamp deletionTimestamp deletionGracePeriodSeconds? labels annotations ownerReferences finalizers @17 managedFields",
  "meta.v1.OwnerReference": "kind @3 name uid apiVersion controller? blockOwnerDeletion?",
  "meta.v1.ManagedFieldsEntry": "manager operation apiVersion time @6 fieldsType fieldsV1 subresource",
  "meta.v1.LabelSelector": "matchLabels matchExpressions",
  "meta.v1.LabelSelectorRequirement": "key operator values",
  "meta.v1.FieldSelectorRequirement": "key operator values",
  "meta.v1.Condition": "type status observedGeneration lastTransitionTime reason message",
  "meta.v1.Preconditions": "uid? resourceVersion?",
  "meta.v1.DeleteOptions":
    "gracePeriodSeconds? preconditions orphanDependents? propagationPolicy? dryRun ignoreStoreReadErrorWithClusterBreakingPotential?",

  "apps.v1.Deployment": "metadata spec status",
  "apps.v1.DeploymentSpec":
    "replicas? selector template strategy minReadySeconds revisionHistoryLimit? paused @9 progressDeadlineSeconds?",
  "apps.v1.DeploymentStrategy": "type rollingUpdate",
  "apps.v1.RollingUpdateDeployment": "maxUnavailable? maxSurge?",
  "apps.v1.DeploymentStatus":
    "observedGeneration replicas updatedReplicas availableReplicas unavailableReplicas conditions readyReplicas collisionCount? terminatingReplicas?",
  "apps.v1.DeploymentCondition": "type status @4 reason message lastUpdateTime lastTransitionTime",
  "apps.v1.ReplicaSet": "metadata spec status",
  "apps.v1.ReplicaSetSpec": "replicas? selector template minReadySeconds",
  "apps.v1.ReplicaSetStatus":
    "replicas fullyLabeledReplicas observedGeneration readyReplicas availableReplicas conditions terminatingReplicas?",
  "apps.v1.ReplicaSetCondition": "type status lastTransitionTime reason message",

  "coordination.v1.Lease": "metadata spec",
  "coordination.v1.LeaseSpec":
    "holderIdentity? leaseDurationSeconds? acquireTime renewTime leaseTransitions? strategy? preferredHolder?",

  "discovery.v1.EndpointSlice": "metadata endpoints ports addressType",
  "discovery.v1.Endpoint":
    "addresses conditions hostname? targetRef deprecatedTopology nodeName? zone? hints",
  "discovery.v1.EndpointConditions": "ready? serving? terminating?",
  "discovery.v1.EndpointHints": "forZones forNodes",
  "discovery.v1.ForZone": "name",
  "discovery.v1.ForNode": "name",
  "discovery.v1.EndpointPort": "name? protocol? port? appProtocol?",

  "networking.v1.Ingress": "metadata spec status",
  "networking.v1.IngressSpec": "defaultBackend tls rules ingressClassName?",
  "networking.v1.IngressTLS": "hosts secretName",
  "networking.v1.IngressRule": "host ^networking.v1.IngressRuleValue",
  "networking.v1.IngressRuleValue": "http",
  "networking.v1.HTTPIngressRuleValue": "paths",
  "networking.v1.HTTPIngressPath": "path backend pathType?",
  "networking.v1.IngressBackend": "@3 resource service",
  "networking.v1.IngressServiceBackend": "name port",
  "networking.v1.ServiceBackendPort": "name number",
  "networking.v1.IngressStatus": "loadBalancer",
  "networking.v1.IngressLoadBalancerStatus": "ingress",
  "networking.v1.IngressLoadBalancerIngress": "ip hostname @4 ports",
  "networking.v1.IngressPortStatus": "port protocol error?",
  "networking.v1.IngressClass": "metadata spec",
  "networking.v1.IngressClassSpec": "controller parameters",
  "networking.v1.IngressClassParametersReference": "apiGroup? kind name scope? namespace?",
  "networking.v1.ServiceCIDR": "metadata spec status",
  "networking.v1.ServiceCIDRSpec": "cidrs",
  "networking.v1.ServiceCIDRStatus": "conditions",
  "networking.v1.IPAddress": "metadata spec",
  "networking.v1.IPAddressSpec": "parentRef",
  "networking.v1.ParentReference": "group resource namespace name",

  "events.v1.Event":
    "metadata eventTime series reportingController reportingInstance action reason regarding related note type deprecatedSource deprecatedFirstTimestamp deprecatedLastTimestamp deprecatedCount",
  "events.v1.EventSeries": "count lastObservedTime",

  "policy.v1.Eviction": "metadata deleteOptions",

  "authorization.v1.SelfSubjectAccessReview": "metadata spec status",
  "authorization.v1.SelfSubjectAccessReviewSpec": "resourceAttributes nonResourceAttributes",
  "authorization.v1.SubjectAccessReview": "metadata spec status",
  "authorization.v1.LocalSubjectAccessReview": "metadata spec status",
  "authorization.v1.SubjectAccessReviewSpec":
    "resourceAttributes nonResourceAttributes user groups extra uid",
  "authorization.v1.SubjectAccessReviewStatus": "allowed reason evaluationError denied",
  "authorization.v1.ResourceAttributes":
    "namespace verb group version resource subresource name fieldSelector labelSelector",
  "authorization.v1.FieldSelectorAttributes": "rawSelector requirements",
  "authorization.v1.LabelSelectorAttributes": "rawSelector requirements",
  "authorization.v1.NonResourceAttributes": "path verb",
  "authorization.v1.SelfSubjectRulesReview": "metadata spec status",
  "authorization.v1.SelfSubjectRulesReviewSpec": "namespace",
  "authorization.v1.SubjectRulesReviewStatus": "resourceRules nonResourceRules incomplete evaluationError",
  "authorization.v1.ResourceRule": "verbs apiGroups resources resourceNames",
  "authorization.v1.NonResourceRule": "verbs nonResourceURLs",

  "authentication.v1.TokenReview": "metadata spec status",
  "authentication.v1.TokenReviewSpec": "token audiences",
  "authentication.v1.TokenReviewStatus": "authenticated user error audiences",
  "authentication.v1.UserInfo": "username uid groups extra",
  "authentication.v1.TokenRequest": "metadata spec status",
  "authentication.v1.TokenRequestSpec": "audiences @3 boundObjectRef expirationSeconds?",
  "authentication.v1.TokenRequestStatus": "token expirationTimestamp",
  "authentication.v1.BoundObjectReference": "kind apiVersion name uid",
  "authentication.v1.SelfSubjectReview": "metadata status",
  "authentication.v1.SelfSubjectReviewStatus": "userInfo",

  "autoscaling.v1.Scale": "metadata spec status",
  "autoscaling.v1.ScaleSpec": "replicas",
  "autoscaling.v1.ScaleStatus": "replicas selector",
};

const parsed = new Map<string, ReadonlyMap<number, NumberedField>>();

/** Undefined for a message that this server cannot read. `message` is such as `core.v1.PodSpec`. */
export function fieldNumbers(message: string): ReadonlyMap<number, NumberedField> | undefined {
  const known = parsed.get(message);
  if (known) return known;
  const text = Object.hasOwn(FIELDS, message) ? FIELDS[message] : undefined;
  if (text === undefined) return undefined;
  const fields = parse(text);
  parsed.set(message, fields);
  return fields;
}

function parse(text: string): ReadonlyMap<number, NumberedField> {
  const fields = new Map<number, NumberedField>();
  let next = 1;
  for (const word of text.split(" ")) {
    if (word.startsWith("@")) {
      next = Number(word.slice(1));
      continue;
    }
    const embeds = word.startsWith("^") ? word.slice(1) : undefined;
    const pointer = word.endsWith("?");
    fields.set(next++, { name: pointer ? word.slice(0, -1) : word, pointer, embeds });
  }
  return fields;
}
