import type { Checker } from "./checker.js";
import { clusterIPStable } from "./checkers/cluster-ip-stable.js";
import { failuresExplained } from "./checkers/failures-explained.js";
import { onlySelectedPods } from "./checkers/only-selected-pods.js";
import { requestBudget } from "./checkers/request-budget.js";

/** Every invariant a scenario can name. */
export const checkers: readonly Checker[] = [
  requestBudget,
  onlySelectedPods,
  clusterIPStable,
  failuresExplained,
];
