import type { ActionCall } from "../serve.js";
import type { Pod } from "../../../machinery/api/core-v1.js";
import { nodes } from "../../../machinery/api/core-v1.js";
import { TransportError } from "../../../machinery/api/http.js";
import { newUnknown } from "../store-core.js";

/** `/containerLogs/default/web/nginx?follow=true` */
export function kubeletPath(verb: string, pod: Pod, container: string | undefined, query: string): string {
  const { namespace = "", name } = pod.metadata;
  const parts = [namespace, name, ...(container === undefined ? [] : [container])];
  return `/${verb}/${parts.map(encodeURIComponent).join("/")}${query === "" ? "" : `?${query}`}`;
}

/** A kubelet that does not answer, in the words of the Go client that would have called it. */
export function unreachableKubelet(
  call: ActionCall<Pod>,
  method: string,
  path: string,
  err: unknown,
): unknown {
  if (!(err instanceof TransportError)) return err;
  const { nodeName = "" } = call.object.spec;
  const node = call.context.lookup.get(nodes, undefined, nodeName);
  if (!node) return newUnknown(`nodes "${nodeName}" not found`);
  const port = node.status.daemonEndpoints?.kubeletEndpoint?.Port ?? 10250;
  const ip = node.status.addresses?.find(({ type }) => type === "InternalIP")?.address ?? nodeName;
  return newUnknown(`${method} "https://${ip}:${port}${path}": ${err.message}`);
}
