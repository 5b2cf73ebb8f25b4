import type { ParameterSpec } from "../fault.js";
import type { Component } from "../reach.js";
import type { TargetSpec } from "../scenario/types.js";
import { type ChoiceContext } from "../fault.js";
import { chooseNodes } from "../targets.js";

/** Components that are clients of the API server. */
const CLIENTS: readonly Component[] = ["controllers", "kubelet", "proxy"];

export interface ApiClients {
  component: Component;
  /** Absent: all of the component's clients. */
  clients?: string[];
}

/**
 * Whose way to the API server is meant: a component, or with `component: kubelet` and `node`, `zone` or `selector` only
 * those nodes' kubelets. Undefined when nothing matches.
 */
export async function chooseApiClients(
  context: ChoiceContext,
  target: TargetSpec,
): Promise<ApiClients | undefined> {
  const component = target.component ?? "proxy";
  if (!CLIENTS.includes(component)) throw new RangeError(`${component} is no client of the API server`);
  const { node, zone, selector, nodeSelector } = target;
  const narrowed = [node, zone, selector, nodeSelector].some((text) => text !== undefined);
  if (component !== "kubelet" || !narrowed) return { component };
  const chosen = await chooseNodes(context, target);
  return chosen.length === 0
    ? undefined
    : { component, clients: chosen.map(({ metadata }) => metadata.name) };
}

export const resourcesParameter: ParameterSpec = {
  type: "texts",
  help: "plural names such as endpointslices; absent: all",
  optional: true,
};
