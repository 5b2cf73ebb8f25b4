import type { LifecycleHandler } from "../../machinery/api/core-v1.js";
import { formatAddress } from "../../machinery/network/addresses.js";
import { collectExec } from "../probes/exec-output.js";
import { httpGet } from "../probes/http-get.js";
import { dialMessage, type ProbeTarget, portNumber } from "../probes/prober.js";

// Upstream: pkg/kubelet/lifecycle/handlers.go.
/** Runs a postStart or preStop hook. Resolves with the failure's text, or undefined; rejects only for the signal. */
export async function runHook(
  hook: LifecycleHandler,
  target: ProbeTarget,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (hook.sleep) {
    await target.clock.sleep(hook.sleep.seconds * 1000, signal);
    return undefined;
  }
  if (hook.exec) return execHook(hook.exec.command ?? [], target, signal);
  if (hook.httpGet) return httpHook(hook.httpGet, target, signal);
  // tcpSocket is accepted by the API and never did anything.
  return hook.tcpSocket ? "unsupported lifecycle handler: tcpSocket" : "invalid handler";
}

async function execHook(
  command: readonly string[],
  target: ProbeTarget,
  signal: AbortSignal,
): Promise<string | undefined> {
  const result = await collectExec(target.running, command, signal);
  if (result.kind === "aborted") throw signal.reason;
  if (result.kind === "not-started") return result.message;
  if (result.exitCode === 0) return undefined;
  return `command '${command.join(" ")}' exited with ${result.exitCode}: ${result.output}`;
}

async function httpHook(
  action: NonNullable<LifecycleHandler["httpGet"]>,
  target: ProbeTarget,
  signal: AbortSignal,
): Promise<string | undefined> {
  const ip = action.host || target.podIP;
  const path = `/${(action.path ?? "/").replace(/^\//, "")}`;
  let authority = ip;
  try {
    const port = portNumber(action.port, target.container);
    authority = formatAddress({ ip, port });
    const network = ip === target.podIP ? target.toPods : target.nodeNetwork;
    const connection = await network.connect({ ip, port }, { signal });
    const onAbort = (): void => connection.reset();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await httpGet(connection, { authority, path, headers: action.httpHeaders ?? [] });
      return undefined;
    } finally {
      signal.removeEventListener("abort", onAbort);
      connection.reset();
    }
  } catch (err) {
    signal.throwIfAborted();
    return `Get "http://${authority}${path}": ${dialMessage(err, authority)}`;
  }
}
