/**
 * Named Go types behind plain strings and maps, by definition and field: messages about wrong types show them
 * (`cannot unmarshal number into Go struct field ServicePort.spec.ports.protocol of type v1.Protocol`).
 */
const BY_FIELD: Record<string, string> = {
  "Container.imagePullPolicy": "v1.PullPolicy",
  "Container.terminationMessagePolicy": "v1.TerminationMessagePolicy",
  "ContainerPort.protocol": "v1.Protocol",
  "DaemonSetUpdateStrategy.type": "v1.DaemonSetUpdateStrategyType",
  "DeploymentStrategy.type": "v1.DeploymentStrategyType",
  "EmptyDirVolumeSource.medium": "v1.StorageMedium",
  "EndpointPort.protocol": "v1.Protocol",
  "EndpointSlice.addressType": "v1.AddressType",
  "EphemeralContainer.imagePullPolicy": "v1.PullPolicy",
  "HTTPGetAction.scheme": "v1.URIScheme",
  "LabelSelectorRequirement.operator": "v1.LabelSelectorOperator",
  "NamespaceStatus.phase": "v1.NamespacePhase",
  "NodeAddress.type": "v1.NodeAddressType",
  "NodeSelectorRequirement.operator": "v1.NodeSelectorOperator",
  "ObjectMeta.uid": "types.UID",
  "ObjectReference.uid": "types.UID",
  "OwnerReference.uid": "types.UID",
  "PodCondition.type": "v1.PodConditionType",
  "PodSpec.dnsPolicy": "v1.DNSPolicy",
  "PodSpec.preemptionPolicy": "v1.PreemptionPolicy",
  "PodSpec.restartPolicy": "v1.RestartPolicy",
  "PodStatus.phase": "v1.PodPhase",
  "Preconditions.uid": "types.UID",
  "Secret.type": "v1.SecretType",
  "ServicePort.protocol": "v1.Protocol",
  "ServiceSpec.externalTrafficPolicy": "v1.ServiceExternalTrafficPolicy",
  "ServiceSpec.internalTrafficPolicy": "v1.ServiceInternalTrafficPolicy",
  "ServiceSpec.ipFamilyPolicy": "v1.IPFamilyPolicy",
  "ServiceSpec.sessionAffinity": "v1.ServiceAffinity",
  "ServiceSpec.type": "v1.ServiceType",
  "StatefulSetUpdateStrategy.type": "v1.StatefulSetUpdateStrategyType",
  "Taint.effect": "v1.TaintEffect",
  "Toleration.effect": "v1.TaintEffect",
  "Toleration.operator": "v1.TolerationOperator",
  "TopologySpreadConstraint.whenUnsatisfiable": "v1.UnsatisfiableConstraintAction",
  "VolumeMount.mountPropagation": "v1.MountPropagationMode",
};

/** Conditions have a status type of their own, maps of quantities are resource lists. */
export function goTypeName(kind: string, field: string, form: "string" | "quantities"): string | undefined {
  if (form === "quantities") return "v1.ResourceList";
  return (
    BY_FIELD[`${kind}.${field}`] ??
    (kind.endsWith("Condition") && field === "status" ? "v1.ConditionStatus" : undefined)
  );
}
