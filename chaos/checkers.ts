import type { Checker } from "./checker.js";
import { clusterIPStable } from "./checkers/cluster-ip-stable.js";
import { controllersConverge } from "./checkers/controllers-converge.js";
import { dnsAgrees } from "./checkers/dns-agrees.js";
import { endpointsConverge } from "./checkers/endpoints-converge.js";
import { failuresExplained } from "./checkers/failures-explained.js";
import { latencyBudget } from "./checkers/latency-budget.js";
import { noWriteLost } from "./checkers/no-write-lost.js";
import { noRequestLost } from "./checkers/no-request-lost.js";
import { nothingLeaked } from "./checkers/nothing-leaked.js";
import { onlySelectedPods } from "./checkers/only-selected-pods.js";
import { onlyTableBackends } from "./checkers/only-table-backends.js";
import { requestBudget } from "./checkers/request-budget.js";
import { tablesAgree } from "./checkers/tables-agree.js";
import { tablesAsSeen } from "./checkers/tables-as-seen.js";
import { uniquePodIPs } from "./checkers/unique-pod-ips.js";
import { watchesComplete } from "./checkers/watches-complete.js";

/** Every invariant a scenario can name. */
export const checkers: readonly Checker[] = [
  requestBudget,
  noRequestLost,
  latencyBudget,
  tablesAgree,
  endpointsConverge,
  tablesAsSeen,
  onlySelectedPods,
  onlyTableBackends,
  uniquePodIPs,
  clusterIPStable,
  dnsAgrees,
  watchesComplete,
  noWriteLost,
  controllersConverge,
  nothingLeaked,
  failuresExplained,
];
