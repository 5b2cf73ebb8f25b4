/** Field numbers of core/v1; see field-numbers.ts for how to read them. */
export const CORE_FIELDS: Readonly<Record<string, string>> = {
  "core.v1.ObjectReference": "kind namespace name uid apiVersion resourceVersion fieldPath",
  "core.v1.LocalObjectReference": "name",

  "core.v1.Namespace": "metadata spec status",
  "core.v1.NamespaceSpec": "finalizers",
  "core.v1.NamespaceStatus": "phase conditions",
  "core.v1.NamespaceCondition": "type status @4 lastTransitionTime reason message",
  "core.v1.ConfigMap": "metadata data binaryData immutable?",
  "core.v1.Secret": "metadata data type stringData immutable?",
  "core.v1.ServiceAccount": "metadata secrets imagePullSecrets automountServiceAccountToken?",
  "core.v1.Binding": "metadata target",

  "core.v1.Service": "metadata spec status",
  "core.v1.ServiceSpec":
    "ports selector clusterIP type externalIPs @7 sessionAffinity loadBalancerIP loadBalancerSourceRanges externalName externalTrafficPolicy healthCheckNodePort publishNotReadyAddresses sessionAffinityConfig @17 ipFamilyPolicy? clusterIPs ipFamilies allocateLoadBalancerNodePorts? loadBalancerClass? internalTrafficPolicy? trafficDistribution?",
  "core.v1.ServicePort": "name protocol port targetPort nodePort appProtocol?",
  "core.v1.SessionAffinityConfig": "clientIP",
  "core.v1.ClientIPConfig": "timeoutSeconds?",
  "core.v1.ServiceStatus": "loadBalancer conditions",
  "core.v1.LoadBalancerStatus": "ingress",
  "core.v1.LoadBalancerIngress": "ip hostname ipMode? ports",
  "core.v1.PortStatus": "port protocol error?",

  "core.v1.Endpoints": "metadata subsets",
  "core.v1.EndpointSubset": "addresses notReadyAddresses ports",
  "core.v1.EndpointAddress": "ip targetRef hostname nodeName?",
  "core.v1.EndpointPort": "name port protocol appProtocol?",

  "core.v1.Event":
    "metadata involvedObject reason message source firstTimestamp lastTimestamp count type eventTime series action related reportingComponent reportingInstance",
  "core.v1.EventSource": "component host",
  "core.v1.EventSeries": "count lastObservedTime",

  "core.v1.Node": "metadata spec status",
  "core.v1.NodeSpec": "podCIDR externalID providerID unschedulable taints configSource podCIDRs",
  "core.v1.Taint": "key value effect timeAdded",
  "core.v1.NodeStatus":
    "capacity allocatable phase conditions addresses daemonEndpoints nodeInfo images volumesInUse volumesAttached",
  "core.v1.NodeCondition": "type status lastHeartbeatTime lastTransitionTime reason message",
  "core.v1.NodeAddress": "type address",
  "core.v1.NodeDaemonEndpoints": "kubeletEndpoint",
  "core.v1.DaemonEndpoint": "Port",
  "core.v1.NodeSystemInfo":
    "machineID systemUUID bootID kernelVersion osImage containerRuntimeVersion kubeletVersion kubeProxyVersion operatingSystem architecture",
  "core.v1.ContainerImage": "names sizeBytes",
  "core.v1.AttachedVolume": "name devicePath",

  "core.v1.Pod": "metadata spec status",
  "core.v1.PodTemplateSpec": "metadata spec",
  "core.v1.PodSpec":
    "volumes containers restartPolicy terminationGracePeriodSeconds? activeDeadlineSeconds? dnsPolicy nodeSelector serviceAccountName serviceAccount nodeName hostNetwork hostPID hostIPC securityContext imagePullSecrets hostname subdomain affinity schedulerName initContainers automountServiceAccountToken? tolerations hostAliases priorityClassName priority? dnsConfig shareProcessNamespace? readinessGates runtimeClassName? enableServiceLinks? preemptionPolicy? overhead topologySpreadConstraints ephemeralContainers setHostnameAsFQDN? os hostUsers? schedulingGates",
  "core.v1.Container":
    "name image command args workingDir ports env resources volumeMounts livenessProbe readinessProbe lifecycle terminationMessagePath imagePullPolicy securityContext stdin stdinOnce tty envFrom terminationMessagePolicy volumeDevices startupProbe resizePolicy restartPolicy?",
  "core.v1.ContainerPort": "name hostPort containerPort protocol hostIP",
  "core.v1.EnvVar": "name value valueFrom",
  "core.v1.EnvVarSource": "fieldRef resourceFieldRef configMapKeyRef secretKeyRef",
  "core.v1.ObjectFieldSelector": "apiVersion fieldPath",
  "core.v1.ResourceFieldSelector": "containerName resource divisor",
  "core.v1.ConfigMapKeySelector": "^core.v1.LocalObjectReference key optional?",
  "core.v1.SecretKeySelector": "^core.v1.LocalObjectReference key optional?",
  "core.v1.EnvFromSource": "prefix configMapRef secretRef",
  "core.v1.ConfigMapEnvSource": "^core.v1.LocalObjectReference optional?",
  "core.v1.SecretEnvSource": "^core.v1.LocalObjectReference optional?",
  "core.v1.ResourceRequirements": "limits requests",
  "core.v1.ContainerResizePolicy": "resourceName restartPolicy",
  "core.v1.VolumeMount": "name readOnly mountPath subPath mountPropagation? subPathExpr recursiveReadOnly?",
  "core.v1.VolumeDevice": "name devicePath",
  "core.v1.Probe":
    "^core.v1.ProbeHandler initialDelaySeconds timeoutSeconds periodSeconds successThreshold failureThreshold terminationGracePeriodSeconds?",
  "core.v1.ProbeHandler": "exec httpGet tcpSocket grpc",
  "core.v1.Lifecycle": "postStart preStop stopSignal?",
  "core.v1.LifecycleHandler": "exec httpGet tcpSocket sleep",
  "core.v1.ExecAction": "command",
  "core.v1.HTTPGetAction": "path port host scheme httpHeaders",
  "core.v1.HTTPHeader": "name value",
  "core.v1.TCPSocketAction": "port host",
  "core.v1.GRPCAction": "port service?",
  "core.v1.SleepAction": "seconds",
  "core.v1.SecurityContext":
    "capabilities privileged? seLinuxOptions runAsUser? runAsNonRoot? readOnlyRootFilesystem? allowPrivilegeEscalation? runAsGroup? procMount? @11 seccompProfile appArmorProfile",
  "core.v1.PodSecurityContext":
    "seLinuxOptions runAsUser? runAsNonRoot? supplementalGroups fsGroup? runAsGroup? sysctls @9 fsGroupChangePolicy? seccompProfile appArmorProfile supplementalGroupsPolicy? seLinuxChangePolicy?",
  "core.v1.Capabilities": "add drop",
  "core.v1.SELinuxOptions": "user role type level",
  "core.v1.SeccompProfile": "type localhostProfile?",
  "core.v1.AppArmorProfile": "type localhostProfile?",
  "core.v1.Sysctl": "name value",
  "core.v1.Toleration": "key operator value effect tolerationSeconds?",
  "core.v1.HostAlias": "ip hostnames",
  "core.v1.PodDNSConfig": "nameservers searches options",
  "core.v1.PodDNSConfigOption": "name value?",
  "core.v1.PodReadinessGate": "conditionType",
  "core.v1.PodSchedulingGate": "name",
  "core.v1.PodOS": "name",
  "core.v1.Affinity": "nodeAffinity podAffinity podAntiAffinity",
  "core.v1.NodeAffinity":
    "requiredDuringSchedulingIgnoredDuringExecution preferredDuringSchedulingIgnoredDuringExecution",
  "core.v1.PodAffinity":
    "requiredDuringSchedulingIgnoredDuringExecution preferredDuringSchedulingIgnoredDuringExecution",
  "core.v1.PodAntiAffinity":
    "requiredDuringSchedulingIgnoredDuringExecution preferredDuringSchedulingIgnoredDuringExecution",
  "core.v1.NodeSelector": "nodeSelectorTerms",
  "core.v1.NodeSelectorTerm": "matchExpressions matchFields",
  "core.v1.NodeSelectorRequirement": "key operator values",
  "core.v1.PreferredSchedulingTerm": "weight preference",
  "core.v1.WeightedPodAffinityTerm": "weight podAffinityTerm",
  "core.v1.PodAffinityTerm":
    "labelSelector namespaces topologyKey namespaceSelector matchLabelKeys mismatchLabelKeys",
  "core.v1.TopologySpreadConstraint":
    "maxSkew topologyKey whenUnsatisfiable labelSelector minDomains? nodeAffinityPolicy? nodeTaintsPolicy? matchLabelKeys",

  "core.v1.Volume": "name ^core.v1.VolumeSource",
  "core.v1.VolumeSource":
    "hostPath emptyDir @6 secret nfs @10 persistentVolumeClaim @16 downwardAPI @19 configMap @26 projected",
  "core.v1.HostPathVolumeSource": "path type?",
  "core.v1.EmptyDirVolumeSource": "medium sizeLimit",
  "core.v1.SecretVolumeSource": "secretName items defaultMode? optional?",
  "core.v1.ConfigMapVolumeSource": "^core.v1.LocalObjectReference items defaultMode? optional?",
  "core.v1.KeyToPath": "key path mode?",
  "core.v1.NFSVolumeSource": "server path readOnly",
  "core.v1.PersistentVolumeClaimVolumeSource": "claimName readOnly",
  "core.v1.DownwardAPIVolumeSource": "items defaultMode?",
  "core.v1.DownwardAPIVolumeFile": "path fieldRef resourceFieldRef mode?",
  "core.v1.ProjectedVolumeSource": "sources defaultMode?",
  "core.v1.VolumeProjection": "secret downwardAPI configMap serviceAccountToken",
  "core.v1.SecretProjection": "^core.v1.LocalObjectReference items @4 optional?",
  "core.v1.ConfigMapProjection": "^core.v1.LocalObjectReference items @4 optional?",
  "core.v1.DownwardAPIProjection": "items",
  "core.v1.ServiceAccountTokenProjection": "audience expirationSeconds? path",

  "core.v1.PodStatus":
    "phase conditions message reason hostIP podIP startTime containerStatuses qosClass initContainerStatuses nominatedNodeName podIPs ephemeralContainerStatuses resize @16 hostIPs observedGeneration",
  "core.v1.PodCondition": "type status lastProbeTime lastTransitionTime reason message observedGeneration",
  "core.v1.ContainerStatus":
    "name state lastState ready restartCount image imageID containerID started? allocatedResources resources",
  "core.v1.ContainerState": "waiting running terminated",
  "core.v1.ContainerStateWaiting": "reason message",
  "core.v1.ContainerStateRunning": "startedAt",
  "core.v1.ContainerStateTerminated": "exitCode signal reason message startedAt finishedAt containerID",
  "core.v1.PodIP": "ip",
  "core.v1.HostIP": "ip",
};
