import { services } from "../machinery/api/core-v1.js";
import type { RestClient } from "../machinery/client/rest-client.js";
import { CannotRun } from "./cannot-run.js";

/** The node port of a Service's port (its first without `port`). Rejects with CannotRun when it has none. */
export async function nodePortOf(
  client: RestClient,
  { namespace, service, port }: { namespace: string; service: string; port?: string | undefined },
): Promise<number> {
  const { items } = await client.list(services, { namespace, fieldSelector: `metadata.name=${service}` });
  const [found] = items;
  if (!found) throw new CannotRun(`service ${namespace}/${service} is not there`);
  const ports = found.spec.ports ?? [];
  const chosen =
    port === undefined ? ports[0] : ports.find((one) => one.name === port || String(one.port) === port);
  if (chosen?.nodePort === undefined) {
    const which = port === undefined ? "" : ` for port ${port}`;
    throw new CannotRun(
      `service ${namespace}/${service} has no node port${which}: its type is ${found.spec.type}`,
    );
  }
  return chosen.nodePort;
}
