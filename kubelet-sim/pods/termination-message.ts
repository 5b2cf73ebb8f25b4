import type { Container } from "../../machinery/api/core-v1.js";
import type { Container as RuntimeContainer, ExitStatus, Mount, PodVolume } from "../container-runtime.js";
import { newPodVolume, readPodVolume } from "../runtime/pod-volume.js";

const FILE = "message";
const LARGEST_MESSAGE_BYTES = 4096;
/** What FallbackToLogsOnError takes of the log. */
const FALLBACK = { lines: 80, bytes: 2048 };

/** Where a container may leave its last words: an empty file, mounted at terminationMessagePath. */
export function terminationLog(container: Container): { volume: PodVolume; mount: Mount } {
  const volume = newPodVolume();
  volume.replace(new Map([[FILE, new Uint8Array()]]));
  const path = container.terminationMessagePath || "/dev/termination-log";
  return { volume, mount: { path, volume, readOnly: false, subPath: FILE } };
}

// Upstream: pkg/kubelet/kuberuntime getTerminationMessage.
/** The exit status with the message that the program wrote, or the end of its log where that is asked for. */
export async function withTerminationMessage(
  exit: ExitStatus,
  spec: Container,
  container: RuntimeContainer,
  volume: PodVolume | undefined,
): Promise<ExitStatus> {
  if (exit.message) return exit;
  const written = volume && readPodVolume(volume, FILE);
  const text = written && written.length > 0 ? toText(written.subarray(0, LARGEST_MESSAGE_BYTES)) : undefined;
  const fallsBack = spec.terminationMessagePolicy === "FallbackToLogsOnError" && exit.exitCode !== 0;
  const message = text ?? (fallsBack ? await logTail(container) : undefined);
  return message ? { ...exit, message } : exit;
}

async function logTail(container: RuntimeContainer): Promise<string> {
  const lines: string[] = [];
  for await (const line of container.log.read({ follow: false, signal: new AbortController().signal })) {
    lines.push(`${toText(line.text)}${line.complete ? "\n" : ""}`);
    if (lines.length > FALLBACK.lines) lines.shift();
  }
  return toText(Buffer.from(lines.join("")).subarray(-FALLBACK.bytes));
}

const toText = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");
