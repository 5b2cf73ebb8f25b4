import type { MessageStream, Transport } from "../../machinery/api/http.js";
import type { ClusterAdmin } from "../objects/cluster-admin.js";

export interface NodeCommand {
  node: string;
  command: readonly string[];
  stdin: boolean;
  tty: boolean;
}

type ShellLine = { session: number } | { message: string };

/**
 * A program on a node, behind the interface that `runRemoteCommand` speaks with: the messages are exec's, only the way
 * is the kubelets' admin socket. Opening rejects with UserError when there is no such node or it is down.
 */
export function nodeShellTransport(admin: ClusterAdmin, request: NodeCommand): Pick<Transport, "upgrade"> {
  return {
    async upgrade(_request, protocols, signal) {
      const query = new URLSearchParams({
        node: request.node,
        stdin: String(request.stdin),
        tty: String(request.tty),
      });
      for (const word of request.command) query.append("command", word);
      const ending = new AbortController();
      const until = signal ? AbortSignal.any([signal, ending.signal]) : ending.signal;
      const lines = admin.stream<ShellLine>("kubelet", `/shell?${query.toString()}`, until);
      const reader = lines[Symbol.asyncIterator]();
      const first = await reader.next();
      if (first.done || !("session" in first.value)) throw new Error("the node gave no shell");
      const { session } = first.value;
      const stream: MessageStream = {
        async read() {
          const next = await reader.next();
          return next.done || !("message" in next.value)
            ? undefined
            : Buffer.from(next.value.message, "base64");
        },
        async write(message) {
          await admin.call("kubelet", "POST", "/shell/input", {
            session,
            message: Buffer.from(message).toString("base64"),
          });
        },
        close: () => ending.abort(),
        closed: new Promise((resolve) => until.addEventListener("abort", () => resolve(), { once: true })),
      };
      return { stream, protocol: protocols[0] ?? "" };
    },
  };
}
