import type { AdminHandlers } from "../machinery/runtime/admin-server.js";
import type { KubeletHost } from "./kubelet-host.js";
import { ShellSessions } from "./node/shell-sessions.js";
import type { PodWorker } from "./pods/pod-worker.js";

/** What the process offers on its admin socket: health, metrics, pods, shells. */
export function kubeletAdmin(host: KubeletHost): AdminHandlers {
  const shells = new ShellSessions((node) => host.kubelet(node).shell);
  return {
    "GET /health": () =>
      host.isReady ? { ready: true } : { ready: false, reason: "not all nodes have started" },
    "GET /metrics": () => metrics(host),
    "GET /pods": () => host.kubelets.flatMap(({ workers }) => workers?.list().map(podSummary) ?? []),
    "GET /readiness": () => host.readiness.list(),
    "GET /ports": () => host.ports.list(),
    "GET /nodes": () =>
      host.kubelets.map(({ name, isReady, workers }) => nodeSummary(name, isReady, workers)),
    "GET /shell": ({ query, signal }) => shells.start(query, signal),
    "POST /shell/input": ({ body }) => shells.input(body as { session: number; message: string }),
  };
}

const nodeSummary = (
  name: string,
  ready: boolean,
  workers: { list(): readonly PodWorker[] } | undefined,
): object => ({ name, ready, down: ready && workers === undefined, pods: workers?.list().length ?? 0 });

function podSummary({ pod, sandbox, containers }: PodWorker): object {
  return {
    namespace: pod.metadata.namespace,
    name: pod.metadata.name,
    uid: pod.metadata.uid,
    node: pod.spec.nodeName,
    phase: pod.status.phase,
    ip: sandbox?.ip,
    containers: containers.all.map(({ spec, current, restartCount, ready, container }) => ({
      name: spec.name,
      state: current.kind,
      restartCount,
      ready,
      id: container?.id,
    })),
  };
}

function metrics(host: KubeletHost): string {
  const lines = [
    "# HELP kubelet_running_pods [BETA] Number of pods that have a running pod sandbox",
    "# TYPE kubelet_running_pods gauge",
  ];
  for (const { name, workers } of host.kubelets) {
    const running = workers?.list().filter(({ sandbox }) => sandbox).length ?? 0;
    lines.push(`kubelet_running_pods{node="${name}"} ${running}`);
  }
  return `${lines.join("\n")}\n`;
}
