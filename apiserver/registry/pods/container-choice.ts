import type { Pod } from "../../../machinery/api/core-v1.js";
import { newBadRequest } from "../../../machinery/api/status.js";

/** The container that a log, exec or attach is about (upstream validateContainer). */
export function chooseContainer(asked: string, pod: Pod): string {
  const { containers, initContainers = [], ephemeralContainers = [] } = pod.spec;
  const [only, second] = containers;
  if (asked !== "") {
    const known = [...initContainers, ...containers, ...ephemeralContainers].some(
      ({ name }) => name === asked,
    );
    if (known) return asked;
    throw newBadRequest(`container ${asked} is not valid for pod ${pod.metadata.name}`);
  }
  if (only && !second) return only.name;
  let message = `a container name must be specified for pod ${pod.metadata.name}, choose one of: ${list(containers)}`;
  if (initContainers.length > 0) message += ` or one of the init containers: ${list(initContainers)}`;
  if (ephemeralContainers.length > 0)
    message += ` or one of the ephemeral containers: ${list(ephemeralContainers)}`;
  throw newBadRequest(message);
}

const list = (containers: readonly { name: string }[]): string =>
  `[${containers.map(({ name }) => name).join(" ")}]`;
