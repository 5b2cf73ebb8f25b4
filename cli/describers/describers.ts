import type { KubeObject } from "../../machinery/api/meta-v1.js";
import { deploymentDescriber } from "./deployment.js";
import type { Describer } from "./describer.js";
import { genericDescriber } from "./generic.js";
import { nodeDescriber } from "./node.js";
import { podDescriber } from "./pod.js";
import { serviceDescriber } from "./service.js";

const byKind: Readonly<Record<string, unknown>> = {
  Pod: podDescriber,
  Service: serviceDescriber,
  Deployment: deploymentDescriber,
  Node: nodeDescriber,
};

/** The describer of a kind; kinds without one of their own are shown field by field. */
export const describerOf = (kind: string): Describer<KubeObject> =>
  (Object.hasOwn(byKind, kind) ? byKind[kind] : genericDescriber) as Describer<KubeObject>;
