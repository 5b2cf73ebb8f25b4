import type {
  Container,
  ContainerState,
  ContainerStatus,
  Pod,
  Probe,
  Volume,
} from "../../machinery/api/core-v1.js";
import { annotationLines, type Describer, mapLines, timeText } from "./describer.js";

export const podDescriber: Describer<Pod> = {
  describe(pod) {
    const { metadata, spec, status } = pod;
    const controller = metadata.ownerReferences?.find((owner) => owner.controller);
    const terminating = metadata.deletionTimestamp !== undefined;
    return [
      `Name:\t${metadata.name}`,
      `Namespace:\t${metadata.namespace ?? ""}`,
      `Priority:\t${spec.priority ?? 0}`,
      `Service Account:\t${spec.serviceAccountName ?? ""}`,
      `Node:\t${spec.nodeName ? `${spec.nodeName}/${status.hostIP ?? ""}` : "<none>"}`,
      `Start Time:\t${timeText(status.startTime)}`,
      ...mapLines("Labels", metadata.labels),
      ...annotationLines(pod),
      ...(terminating
        ? [
            `Status:\tTerminating (lasts <invalid>)`,
            `Termination Grace Period:\t${metadata.deletionGracePeriodSeconds ?? 0}s`,
          ]
        : [`Status:\t${status.phase}`]),
      ...(status.reason ? [`Reason:\t${status.reason}`] : []),
      ...(status.message ? [`Message:\t${status.message}`] : []),
      `IP:\t${status.podIP ?? ""}`,
      ...(status.podIPs?.length
        ? ["IPs:", ...status.podIPs.map(({ ip }) => `  IP:\t${ip}`)]
        : ["IPs:\t<none>"]),
      ...(controller ? [`Controlled By:\t${controller.kind}/${controller.name}`] : []),
      ...(spec.initContainers?.length
        ? ["Init Containers:", ...containerLines(spec.initContainers, status.initContainerStatuses ?? [])]
        : []),
      "Containers:",
      ...containerLines(spec.containers, status.containerStatuses ?? []),
      "Conditions:",
      "  Type\tStatus",
      ...(status.conditions ?? []).map(({ type, status: value }) => `  ${type} \t${value} `),
      ...(spec.volumes?.length ? ["Volumes:", ...spec.volumes.flatMap(volumeLines)] : ["Volumes:\t<none>"]),
      `QoS Class:\t${status.qosClass ?? ""}`,
      ...mapLines("Node-Selectors", spec.nodeSelector),
      ...tolerationLines(pod),
    ];
  },
};

/** The containers of a Pod with their states, or of a template without. */
export function containerLines(
  containers: readonly Container[],
  statuses: readonly ContainerStatus[] | undefined,
  indent = "",
): string[] {
  return containers.flatMap((container) => {
    const status = statuses?.find(({ name }) => name === container.name);
    const ports = container.ports
      ?.map(({ containerPort, protocol }) => `${containerPort}/${protocol}`)
      .join(", ");
    const hostPorts = container.ports
      ?.map(({ hostPort, protocol }) => `${hostPort ?? 0}/${protocol}`)
      .join(", ");
    return [
      `  ${container.name}:`,
      ...(status ? [`    Container ID:\t${status.containerID ?? ""}`] : []),
      `    Image:\t${container.image}`,
      ...(status ? [`    Image ID:\t${status.imageID}`] : []),
      `    Port:\t${ports ?? "<none>"}`,
      `    Host Port:\t${hostPorts ?? "<none>"}`,
      ...wordLines("Command", container.command),
      ...wordLines("Args", container.args),
      ...(status ? statusLines(status) : []),
      ...probeLine("Liveness", container.livenessProbe),
      ...probeLine("Readiness", container.readinessProbe),
      ...probeLine("Startup", container.startupProbe),
      ...environmentLines(container),
      ...mountLines(container),
    ].map((line) => `${indent}${line}`);
  });
}

const wordLines = (title: string, words: readonly string[] | undefined): string[] =>
  words?.length
    ? [`    ${title}:`, ...words.flatMap((word) => word.split("\n")).map((word) => `      ${word}`)]
    : [];

function statusLines(status: ContainerStatus): string[] {
  const last = Object.keys(status.lastState).length > 0 ? stateLines("Last State", status.lastState) : [];
  return [
    ...stateLines("State", status.state),
    ...last,
    `    Ready:\t${status.ready ? "True" : "False"}`,
    `    Restart Count:\t${status.restartCount}`,
  ];
}

function stateLines(title: string, { running, waiting, terminated }: ContainerState): string[] {
  if (running) return [`    ${title}:\tRunning`, `      Started:\t${timeText(running.startedAt)}`];
  if (terminated) {
    return [
      `    ${title}:\tTerminated`,
      ...(terminated.reason ? [`      Reason:\t${terminated.reason}`] : []),
      ...(terminated.message ? [`      Message:\t${terminated.message}`] : []),
      `      Exit Code:\t${terminated.exitCode}`,
      `      Started:\t${timeText(terminated.startedAt)}`,
      `      Finished:\t${timeText(terminated.finishedAt)}`,
    ];
  }
  return [`    ${title}:\tWaiting`, ...(waiting?.reason ? [`      Reason:\t${waiting.reason}`] : [])];
}

function probeLine(title: string, probe: Probe | undefined): string[] {
  if (!probe) return [];
  const timing = `delay=${probe.initialDelaySeconds ?? 0}s timeout=${probe.timeoutSeconds ?? 1}s period=${probe.periodSeconds ?? 10}s #success=${probe.successThreshold ?? 1} #failure=${probe.failureThreshold ?? 3}`;
  const { exec, httpGet, tcpSocket, grpc } = probe;
  const what = exec
    ? `exec [${exec.command?.join(" ") ?? ""}]`
    : httpGet
      ? `http-get ${(httpGet.scheme ?? "HTTP").toLowerCase()}://${httpGet.host ?? ""}:${httpGet.port}${httpGet.path ?? ""}`
      : tcpSocket
        ? `tcp-socket ${tcpSocket.host ?? ""}:${tcpSocket.port}`
        : `grpc <pod>:${grpc?.port ?? 0} ${grpc?.service ?? ""}`;
  return [`    ${title}:\t${what} ${timing}`];
}

function environmentLines({ env = [], envFrom = [] }: Container): string[] {
  const from = envFrom.map(({ configMapRef, secretRef }) =>
    configMapRef ? `      ${configMapRef.name}\tConfigMap` : `      ${secretRef?.name ?? ""}\tSecret`,
  );
  const values = env.map(({ name, value, valueFrom }) => {
    if (!valueFrom) return `      ${name}:\t${value ?? ""}`;
    const { configMapKeyRef, secretKeyRef, fieldRef, resourceFieldRef } = valueFrom;
    if (configMapKeyRef)
      return `      ${name}:\t<set to the key '${configMapKeyRef.key}' of config map '${configMapKeyRef.name}'>`;
    if (secretKeyRef)
      return `      ${name}:\t<set to the key '${secretKeyRef.key}' in secret '${secretKeyRef.name}'>`;
    return `      ${name}:\t (${fieldRef ? `v1:${fieldRef.fieldPath}` : (resourceFieldRef?.resource ?? "")})`;
  });
  return [
    ...(from.length > 0 ? ["    Environment Variables from:", ...from] : []),
    ...(values.length > 0 ? ["    Environment:", ...values] : ["    Environment:\t<none>"]),
  ];
}

function mountLines({ volumeMounts = [] }: Container): string[] {
  if (volumeMounts.length === 0) return ["    Mounts:\t<none>"];
  return [
    "    Mounts:",
    ...volumeMounts.map(
      ({ mountPath, name, readOnly }) => `      ${mountPath} from ${name} (${readOnly ? "ro" : "rw"})`,
    ),
  ];
}

function volumeLines(volume: Volume): string[] {
  const { name, configMap, secret, emptyDir, hostPath, projected, downwardAPI } = volume;
  const head = `  ${name}:`;
  if (configMap)
    return [head, "    Type:\tConfigMap (a volume populated by a ConfigMap)", `    Name:\t${configMap.name}`];
  if (secret)
    return [
      head,
      "    Type:\tSecret (a volume populated by a Secret)",
      `    SecretName:\t${secret.secretName}`,
    ];
  if (emptyDir) return [head, "    Type:\tEmptyDir (a temporary directory that shares a pod's lifetime)"];
  if (hostPath)
    return [head, "    Type:\tHostPath (bare host directory volume)", `    Path:\t${hostPath.path}`];
  if (projected)
    return [head, "    Type:\tProjected (a volume that contains injected data from multiple sources)"];
  if (downwardAPI) return [head, "    Type:\tDownwardAPI (a volume populated by information about the pod)"];
  return [head, "    <unknown>"];
}

function tolerationLines({ spec }: Pod): string[] {
  const texts = (spec.tolerations ?? []).map((t) => {
    const value = t.value ? `=${t.value}` : "";
    const effect = t.effect ? `:${t.effect}` : "";
    const operator = t.operator === "Exists" ? (t.key ? " op=Exists" : "op=Exists") : "";
    const seconds = t.tolerationSeconds === undefined ? "" : ` for ${t.tolerationSeconds}s`;
    return `${t.key ?? ""}${value}${effect}${operator}${seconds}`;
  });
  if (texts.length === 0) return ["Tolerations:\t<none>"];
  return texts.map((text, i) => (i === 0 ? `Tolerations:\t${text}` : `\t${text}`));
}
