import type { Image } from "./image.js";
import type { Process } from "./process.js";

export const pause: Image = {
  repositories: ["registry.k8s.io/pause", "k8s.gcr.io/pause", "docker.io/rancher/mirrored-pause"],
  sizeBytes: 318_731,
  entrypoint: ["/pause"],
  cmd: [],
  programs: { "/pause": runPause },
};

/** Waits for a signal, as the real one does; also agnhost's `pause`. */
export async function runPause(process: Process): Promise<number> {
  const name = await new Promise<string>((resolve) => {
    process.onSignal("SIGINT", () => resolve("Interrupt"));
    process.onSignal("SIGTERM", () => resolve("Terminated"));
  });
  await process.stderr.write(`Shutting down, got signal: ${name}\n`);
  return 0;
}
