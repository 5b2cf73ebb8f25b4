import { CHANNEL, exitCodeOf, PROTOCOLS } from "../cli/objects/remote-command.js";
import { pods } from "../machinery/api/core-v1.js";
import { resourcePath } from "../machinery/api/resource.js";
import type { Status } from "../machinery/api/status.js";
import type { RestClient } from "../machinery/client/rest-client.js";
import { orAborted } from "./or-aborted.js";

export interface PodCommand {
  namespace: string;
  pod: string;
  container?: string;
  command: readonly string[];
}

const MOST_OUTPUT_BYTES = 64 * 1024;

/** Runs a program in a container, as `kubectl exec` does. Rejects as the client does, or with the signal's reason. */
export async function runInPod(
  client: RestClient,
  { namespace, pod, container, command }: PodCommand,
  signal: AbortSignal,
): Promise<{ exitCode: number; output: string }> {
  const query = new URLSearchParams({ stdout: "true", stderr: "true" });
  if (container !== undefined) query.set("container", container);
  for (const argument of command) query.append("command", argument);
  const path = resourcePath(pods, { namespace, name: pod, subresource: "exec" });
  const { stream } = await client.upgrade(`${path}?${query.toString()}`, PROTOCOLS, signal);
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for (;;) {
      const message = await orAborted(stream.read(), signal);
      const ended = message === undefined;
      if (ended || message[0] === CHANNEL.error) {
        const exitCode = ended ? 0 : exitCodeOf(JSON.parse(textOf([message.subarray(1)])) as Status);
        return { exitCode, output: textOf(chunks) };
      }
      if (message[0] !== CHANNEL.stdout || size >= MOST_OUTPUT_BYTES) continue;
      chunks.push(message.slice(1));
      size += message.length - 1;
    }
  } finally {
    stream.close();
  }
}

const textOf = (chunks: readonly Uint8Array[]): string => Buffer.concat(chunks).toString("utf8");
