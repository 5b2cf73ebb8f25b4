import { nameColumn } from "./printing.js";
import type { TableCell } from "./serve.js";

/** What kinds share that are answered and never stored. */
export const reviewForm = {
  strategy: {},
  columns: [nameColumn],
  row: (): TableCell[] => [""],
  verbs: ["create"],
};
