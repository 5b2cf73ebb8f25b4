import { type Checker, secondsIn, verdictOf } from "../checker.js";

/** A Service keeps the ClusterIP it was given, whatever happens to its pods. Another Service of its name may have another. */
export const clusterIPStable: Checker = {
  name: "cluster-ip-stable",
  summary: "the ClusterIP of a Service never changes, and no two Services have one",
  check(history) {
    const first = new Map<string, string>();
    const owners = new Map<string, { uid: string; service: string }>();
    const violations: string[] = [];
    for (const { service, uid = service, clusterIP, event, atMs } of history.services) {
      const given = first.get(uid);
      if (event === "DELETED") {
        if (given !== undefined && owners.get(given)?.uid === uid) owners.delete(given);
        continue;
      }
      if (!clusterIP || clusterIP === "None") continue;
      if (given === undefined) first.set(uid, clusterIP);
      else if (given !== clusterIP)
        violations.push(`${secondsIn(history, atMs)} ${service} changed from ${given} to ${clusterIP}`);
      const owner = owners.get(clusterIP);
      if (owner && owner.uid !== uid)
        violations.push(
          `${secondsIn(history, atMs)} ${service} has ${clusterIP}, which is ${owner.service}'s`,
        );
      else owners.set(clusterIP, { uid, service });
    }
    return verdictOf(
      violations,
      `${first.size} Services kept their ClusterIP`,
      `${violations.length} changes of a ClusterIP`,
    );
  },
};
