import type { Marks } from "./model.js";

/**
 * How patches and server-side apply treat the fields of the built-in kinds, from the public API reference. Where a field
 * is not named, Kubernetes' rule holds: a list that patches merge by a key is a map on that key, one that they merge
 * without a key is a set, any other list is replaced as a whole (atomic).
 */
export function marksOf(definition: string, property: string, isList: boolean): Marks | undefined {
  const place = `${definition.split(".").slice(-3).join(".")}.${property}`;
  const own = FIELDS.get(place);
  if (!isList) return own;
  if (UNMARKED_LISTS.test(place)) return undefined;
  if (own?.listType) return own;
  if (!own?.patch?.includes("merge")) return { ...own, listType: "atomic" };
  return own.mergeKey ? { ...own, listType: "map", mapKeys: [own.mergeKey] } : { ...own, listType: "set" };
}

/** Lists of objects and of discovery carry no mark. */
const UNMARKED_LISTS = /List\.items$|^meta\.v1\.APIResource\.verbs$/;

/** `group.version.Kind` → fields by the key that patches merge them by. */
const MERGED_BY_KEY: Record<string, string> = {
  "admissionregistration.v1.MutatingAdmissionPolicySpec": "matchConditions:name",
  "admissionregistration.v1.MutatingWebhook": "matchConditions:name",
  "admissionregistration.v1.MutatingWebhookConfiguration": "webhooks:name",
  "admissionregistration.v1.ValidatingAdmissionPolicySpec": "matchConditions:name variables:name",
  "admissionregistration.v1.ValidatingWebhook": "matchConditions:name",
  "admissionregistration.v1.ValidatingWebhookConfiguration": "webhooks:name",
  "apiextensions.v1.JSONSchemaProps": "x-kubernetes-validations:rule",
  "apiregistration.v1.APIServiceStatus": "conditions:type",
  "apps.v1.DaemonSetStatus": "conditions:type",
  "apps.v1.DeploymentStatus": "conditions:type",
  "apps.v1.ReplicaSetStatus": "conditions:type",
  "apps.v1.StatefulSetStatus": "conditions:type",
  "autoscaling.v2.HorizontalPodAutoscalerStatus": "conditions:type",
  "core.v1.ComponentStatus": "conditions:type",
  "core.v1.Container": "env:name volumeDevices:devicePath volumeMounts:mountPath",
  "core.v1.ContainerStatus": "allocatedResourcesStatus:name volumeMounts:mountPath",
  "core.v1.EphemeralContainer": "env:name volumeDevices:devicePath volumeMounts:mountPath",
  "core.v1.NamespaceStatus": "conditions:type",
  "core.v1.NodeStatus": "addresses:type conditions:type",
  "core.v1.PersistentVolumeClaimStatus": "conditions:type",
  "core.v1.PodSpec":
    "containers:name ephemeralContainers:name hostAliases:ip imagePullSecrets:name initContainers:name schedulingGates:name",
  "core.v1.PodStatus": "conditions:type podIPs:ip",
  "core.v1.ReplicationControllerStatus": "conditions:type",
  "core.v1.ServiceAccount": "secrets:name",
  "core.v1.ServiceStatus": "conditions:type",
  "flowcontrol.v1.FlowSchemaStatus": "conditions:type",
  "flowcontrol.v1.PriorityLevelConfigurationStatus": "conditions:type",
  "meta.v1.ObjectMeta": "ownerReferences:uid",
  "networking.v1.ServiceCIDRStatus": "conditions:type",
  "policy.v1.PodDisruptionBudgetStatus": "conditions:type",
  "resource.v1.ResourceClaimStatus": "reservedFor:uid",
  "storage.v1.CSINodeSpec": "drivers:name",
};

/** Lists whose elements are unique, with no patch strategy. */
const SETS = [
  "admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec.validationActions",
  "batch.v1.PodFailurePolicyOnExitCodesRequirement.values",
  "batch.v1.UncountedTerminatedPods.failed",
  "batch.v1.UncountedTerminatedPods.succeeded",
  "core.v1.ContainerRestartRuleOnExitCodes.values",
  "core.v1.NodeAllocatableResourceClaimStatus.containers",
  "discovery.v1.Endpoint.addresses",
  "flowcontrol.v1.NonResourcePolicyRule.nonResourceURLs",
  "flowcontrol.v1.NonResourcePolicyRule.verbs",
  "flowcontrol.v1.ResourcePolicyRule.apiGroups",
  "flowcontrol.v1.ResourcePolicyRule.namespaces",
  "flowcontrol.v1.ResourcePolicyRule.resources",
  "flowcontrol.v1.ResourcePolicyRule.verbs",
  "storage.v1.CSIDriverSpec.volumeLifecycleModes",
];

const onKeys = (...mapKeys: string[]): Marks => ({ listType: "map", mapKeys });
const containerPorts: Marks = {
  ...onKeys("containerPort", "protocol"),
  patch: ["merge"],
  mergeKey: "containerPort",
};
const keepsKeys: Marks = { patch: ["merge", "retainKeys"], mergeKey: "name" };

const SPECIAL: Record<string, Marks> = {
  "admissionregistration.v1.ValidatingAdmissionPolicyStatus.conditions": onKeys("type"),
  "apiextensions.v1.CustomResourceDefinitionStatus.conditions": onKeys("type"),
  "apiregistration.v1.APIServiceSpec.caBundle": { listType: "atomic" },
  "apps.v1.DeploymentSpec.strategy": { patch: ["retainKeys"] },
  "batch.v1.JobStatus.conditions": { listType: "atomic", patch: ["merge"], mergeKey: "type" },
  "certificates.v1.CertificateSigningRequestStatus.conditions": onKeys("type"),
  "core.v1.Container.ports": containerPorts,
  "core.v1.EphemeralContainer.ports": containerPorts,
  "core.v1.NodeSpec.podCIDRs": { patch: ["merge"] },
  "core.v1.PersistentVolumeClaimStatus.allocatedResourceStatuses": { mapType: "granular" },
  "core.v1.PersistentVolumeSpec.claimRef": { mapType: "granular" },
  "core.v1.PodSpec.nodeSelector": { mapType: "atomic" },
  "core.v1.PodSpec.resourceClaims": keepsKeys,
  "core.v1.PodSpec.topologySpreadConstraints": {
    ...onKeys("topologyKey", "whenUnsatisfiable"),
    patch: ["merge"],
    mergeKey: "topologyKey",
  },
  "core.v1.PodSpec.volumes": keepsKeys,
  "core.v1.PodStatus.hostIPs": { listType: "atomic", patch: ["merge"], mergeKey: "ip" },
  "core.v1.PodStatus.resourceClaimStatuses": keepsKeys,
  "core.v1.ReplicationControllerSpec.selector": { mapType: "atomic" },
  "core.v1.ResourceRequirements.claims": onKeys("name"),
  "core.v1.ResourceStatus.resources": onKeys("resourceID"),
  "core.v1.ServiceSpec.ports": { ...onKeys("port", "protocol"), patch: ["merge"], mergeKey: "port" },
  "core.v1.ServiceSpec.selector": { mapType: "atomic" },
  "meta.v1.ObjectMeta.finalizers": { patch: ["merge"] },
  "node.v1.Scheduling.nodeSelector": { mapType: "atomic" },
  "policy.v1.PodDisruptionBudgetSpec.selector": { patch: ["replace"] },
  "resource.v1.AllocatedDeviceStatus.conditions": onKeys("type"),
  "resource.v1.ResourceClaimStatus.devices": onKeys("driver", "device", "pool", "shareID"),
};

const FIELDS: ReadonlyMap<string, Marks> = new Map<string, Marks>([
  ...Object.entries(MERGED_BY_KEY).flatMap(([definition, fields]) =>
    fields.split(" ").map((entry): [string, Marks] => {
      const [name = "", mergeKey = ""] = entry.split(":");
      return [`${definition}.${name}`, { patch: ["merge"], mergeKey }];
    }),
  ),
  ...SETS.map((place): [string, Marks] => [place, { listType: "set" }]),
  ...Object.entries(SPECIAL),
]);

/** Objects that apply replaces as a whole. */
const ATOMIC = new Set(
  [
    "admissionregistration.v1: MatchResources NamedRuleWithOperations ParamKind ParamRef Variable",
    "autoscaling.v1: CrossVersionObjectReference",
    "core.v1: ConfigMapKeySelector EndpointAddress EndpointPort FileKeySelector LocalObjectReference NodeSelector",
    "core.v1: NodeSelectorTerm ObjectFieldSelector ObjectReference ResourceFieldSelector ScopeSelector",
    "core.v1: SecretKeySelector SecretReference TopologySelectorTerm TypedLocalObjectReference",
    "discovery.v1: EndpointPort",
    "networking.v1: ServiceBackendPort",
    "rbac.v1: RoleRef Subject",
    "meta.v1: LabelSelector OwnerReference",
  ].flatMap((line) => {
    const [groupVersion = "", names = ""] = line.split(": ");
    return names.split(" ").map((name) => `${groupVersion}.${name}`);
  }),
);
export const isAtomic = (definition: string): boolean =>
  ATOMIC.has(definition.split(".").slice(-3).join("."));
