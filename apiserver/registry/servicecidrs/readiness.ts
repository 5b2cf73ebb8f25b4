import type { ServiceCIDR } from "../../../machinery/api/networking-v1.js";

/** Whether addresses are given out of it. One without a condition counts, so that nothing waits for a controller. */
export const isReady = ({ metadata, status }: ServiceCIDR): boolean =>
  metadata.deletionTimestamp === undefined &&
  (status.conditions ?? []).find(({ type }) => type === "Ready")?.status !== "False";
