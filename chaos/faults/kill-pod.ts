import { pods } from "../../machinery/api/core-v1.js";
import { defineFault } from "../fault.js";
import { orGone } from "../or-gone.js";
import { choosePods } from "../targets.js";

interface Victims {
  pods: { namespace: string; name: string; uid: string }[];
  gracePeriodSeconds?: number;
}

export const killPod = defineFault<Victims>({
  name: "kill-pod",
  summary: "deletes pods, with their grace period or without",
  layer: "pod",
  targets: "pods",
  momentary: true,
  parameters: {
    gracePeriodSeconds: {
      type: "number",
      help: "0 kills without warning; absent: the pod's own grace period",
      optional: true,
      min: 0,
    },
  },

  async choose(context, { target, parameters }) {
    const chosen = await choosePods(context, target);
    if (chosen.length === 0) return undefined;
    const { gracePeriodSeconds } = parameters;
    return {
      pods: chosen.map(({ metadata: { namespace = "default", name, uid } }) => ({ namespace, name, uid })),
      ...(typeof gracePeriodSeconds === "number" ? { gracePeriodSeconds } : {}),
    };
  },

  async inject({ client }, { pods: victims, gracePeriodSeconds }) {
    for (const { namespace, name, uid } of victims) {
      const options = {
        preconditions: { uid },
        ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
      };
      await orGone(client.delete(pods, { namespace, name }, options));
    }
  },

  // Controllers replace what was killed; a Pod nobody owns stays gone, as in reality.
  async heal() {},
});
