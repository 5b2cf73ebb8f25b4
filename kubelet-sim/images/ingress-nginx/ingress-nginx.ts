import { busyboxPrograms } from "../../shell/programs.js";
import type { Image } from "../image.js";
import { runController } from "./controller.js";
import type { Process } from "../process.js";

const CONTROLLER = "/nginx-ingress-controller";

export const ingressNginx: Image = {
  repositories: [
    "registry.k8s.io/ingress-nginx/controller",
    "k8s.gcr.io/ingress-nginx/controller",
    "quay.io/kubernetes-ingress-controller/nginx-ingress-controller",
  ],
  sizeBytes: 112_405_120,
  entrypoint: ["/usr/bin/dumb-init", "--"],
  cmd: [CONTROLLER],
  programs: {
    ...busyboxPrograms,
    "/usr/bin/dumb-init": (process) => process.exec(process.argv.slice(process.argv[1] === "--" ? 2 : 1)),
    [CONTROLLER]: runController,
    "/wait-shutdown": waitShutdown,
  },
};

const POLL_MS = 50;

/** The preStop hook: asks the controller to stop and waits until it has. */
async function waitShutdown(process: Process): Promise<number> {
  const controller = (): { pid: number } | undefined =>
    process.processes().find(({ argv }) => argv[0] === CONTROLLER);
  const { pid } = controller() ?? {};
  if (pid !== undefined) process.kill(pid, "SIGTERM");
  while (controller()) await process.sleep(POLL_MS);
  return 0;
}
