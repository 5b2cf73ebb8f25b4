import type { AdmissionPlugin } from "./chain.js";
import { defaultIngressClass } from "./default-ingress-class.js";
import { defaultTolerationSeconds } from "./default-toleration-seconds.js";
import { namespaceLifecycle } from "./namespace-lifecycle.js";
import { priority } from "./priority.js";
import { serviceAccount } from "./service-account.js";
import { taintNodesByCondition } from "./taint-nodes-by-condition.js";

/** In the order in which they run. */
export const admissionPlugins: readonly AdmissionPlugin[] = [
  namespaceLifecycle,
  serviceAccount,
  taintNodesByCondition,
  priority,
  defaultTolerationSeconds,
  defaultIngressClass,
];
