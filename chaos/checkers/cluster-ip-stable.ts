import { type Checker, verdictOf } from "../checker.js";

/** A Service keeps the ClusterIP it was given, whatever happens to its pods. */
export const clusterIPStable: Checker = {
  name: "cluster-ip-stable",
  summary: "the ClusterIP of a Service never changes",
  check({ services }) {
    const first = new Map<string, string>();
    const violations = services.flatMap(({ service, clusterIP, event }) => {
      if (!clusterIP || event === "DELETED") return [];
      const before = first.get(service);
      if (before === undefined) first.set(service, clusterIP);
      return before !== undefined && before !== clusterIP
        ? [`${service} changed from ${before} to ${clusterIP}`]
        : [];
    });
    return verdictOf(
      violations,
      `${first.size} Services kept their ClusterIP`,
      `${violations.length} changes of a ClusterIP`,
    );
  },
};
