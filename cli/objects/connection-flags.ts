import type { Transport } from "../../machinery/api/http.js";
import type { CliContext } from "../command.js";
import { connect } from "../connect.js";
import type { FlagSpecs } from "../flags.js";
import type { RestClient } from "../../machinery/client/rest-client.js";
import { ResourceMapper } from "./resource-mapper.js";

/** Flags of every verb that talks to a cluster. */
export const connectionFlags = {
  kubeconfig: { kind: "string", help: "Path to the kubeconfig file to use for CLI requests." },
  name: {
    kind: "string",
    help: "Name of a running kubesim cluster, when neither --kubeconfig nor KUBECONFIG says.",
  },
  namespace: { kind: "string", short: "n", help: "If present, the namespace scope for this CLI request" },
} as const satisfies FlagSpecs;

export interface Session {
  client: RestClient;
  transport: Transport;
  mapper: ResourceMapper;
  namespace: string;
  kubeconfig: string;
}

/** Connects and learns what the server serves. */
export async function openSession(
  flags: { kubeconfig: string | undefined; name: string | undefined; namespace: string | undefined },
  context: CliContext,
): Promise<Session> {
  const { client, transport, kubeconfig } = connect(
    {
      ...(flags.kubeconfig ? { kubeconfig: flags.kubeconfig } : {}),
      ...(flags.name ? { name: flags.name } : {}),
    },
    context,
  );
  return {
    client,
    transport,
    mapper: await ResourceMapper.discover(client),
    namespace: flags.namespace ?? "default",
    kubeconfig,
  };
}
