import { pods } from "../../machinery/api/core-v1.js";
import { isNotFound } from "../../machinery/api/status.js";
import { defineFault } from "../fault.js";

interface Victims {
  pods: { namespace: string; name: string; uid: string }[];
}

/** Deletes Pods of a selector. `parameters.gracePeriodSeconds: 0` kills without warning; absent keeps the Pod's own. */
export const killPod = defineFault<Victims>({
  name: "kill-pod",
  summary: "deletes pods of a selector, with their grace period or without",

  async choose({ client, rng }, { target }) {
    const { namespace, selector, mode, count } = target;
    const found = (await client.list(pods, { namespace, labelSelector: selector })).items
      .filter((pod) => !pod.metadata.deletionTimestamp)
      .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    const wanted = mode === "all" ? found.length : mode === "one" ? 1 : count;
    const victims = rng.shuffle(found).slice(0, wanted);
    if (victims.length === 0) return undefined;
    return { pods: victims.map(({ metadata }) => ({ namespace, name: metadata.name, uid: metadata.uid })) };
  },

  async inject({ client }, victims, { parameters }) {
    const grace = parameters.gracePeriodSeconds;
    for (const { namespace, name, uid } of victims.pods) {
      try {
        await client.delete(
          pods,
          { namespace, name },
          {
            preconditions: { uid },
            ...(typeof grace === "number" ? { gracePeriodSeconds: grace } : {}),
          },
        );
      } catch (err) {
        if (!isNotFound(err)) throw err;
      }
    }
  },

  // Controllers replace what was killed; a Pod nobody owns stays gone, as in reality.
  async heal() {},
});
