import type { Clock } from "../../machinery/api/clock.js";
import type { HttpRequest } from "../../machinery/api/http.js";
import type { Logger } from "../../machinery/api/logger.js";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import type { RequestInfo } from "../../machinery/api/request-info.js";
import type { Rng } from "../../machinery/api/rng.js";
import type { SchemaSource } from "../../machinery/api/schema/schema.js";
import type { UserInfo } from "../auth/user-info.js";
import type { GenericStore } from "../registry/generic-store.js";
import type { KubeletDialer } from "../registry/kubelet-dialer.js";
import type { ServedResource, Strategy } from "../registry/serve.js";
import type { ObjectAt, WriteOptions } from "../registry/write.js";
import type { OpenWatches } from "./open-watches.js";
import { dryRunOf } from "./write-parameters.js";

/** What every handler may use. */
export interface HandlerServices {
  clock: Clock;
  rng: Rng;
  logger: Logger;
  schemas: SchemaSource;
  kubelets: KubeletDialer;
  watches: OpenWatches;
}

/** One request for a resource, authenticated, authorised and understood. */
export interface ResourceCall<T extends KubeObject = KubeObject> {
  request: HttpRequest;
  query: URLSearchParams;
  info: RequestInfo;
  user: UserInfo;
  signal: AbortSignal;
  store: GenericStore<T>;
  resource: ServedResource<T>;
  services: HandlerServices;
  /** Texts for Warning headers; handlers add, the boundary sends. */
  warnings: string[];
}

export const at = ({ info, resource }: ResourceCall): ObjectAt => ({
  namespace: resource.descriptor.namespaced ? info.namespace : undefined,
  name: info.name,
});

/** Throws Invalid for a dryRun that is not All. */
export function writeOptions<T extends KubeObject>(
  call: ResourceCall<T>,
  optionsKind: string,
  view?: { subresource: string; strategy?: Strategy<T> },
): WriteOptions<T> {
  return {
    user: call.user,
    dryRun: dryRunOf(call.query, optionsKind),
    ...view,
    warn: (message) => call.warnings.push(message),
  };
}
