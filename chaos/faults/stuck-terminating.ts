import { type Pod, pods } from "../../machinery/api/core-v1.js";
import { isConflict, isNotFound } from "../../machinery/api/status.js";
import { defineFault } from "../fault.js";
import { orGone } from "../or-gone.js";
import type { Reach } from "../reach.js";
import { choosePods } from "../targets.js";

const FINALIZER = "chaos.kubesim.dev/stuck";
const POINT = "held-signals";

interface Stuck {
  pods: { namespace: string; name: string; uid: string }[];
  by: "process" | "finalizer";
  delete: boolean;
}

/** Two ways to the same word in `kubectl get pods`. */
export const stuckTerminating = defineFault<Stuck>({
  name: "stuck-terminating",
  summary:
    "pods are deleted and stay Terminating: their programs hear no signal, not even SIGKILL, or a finalizer keeps the objects",
  layer: "pod",
  targets: "pods",
  parameters: {
    by: { type: "choice", help: "what keeps them", choices: ["process", "finalizer"], default: "process" },
    delete: { type: "flag", help: "off: somebody else deletes them", default: true },
  },
  claims: (target) => target.pods.map(({ uid }) => `end of pod ${uid}`),
  async choose(context, { target, parameters }) {
    const chosen = (await choosePods(context, target)).map(
      ({ metadata: { namespace = "default", name, uid } }) => ({ namespace, name, uid }),
    );
    if (chosen.length === 0) return undefined;
    return { pods: chosen, by: parameters.by as Stuck["by"], delete: parameters.delete !== false };
  },
  async inject(reach, { pods: chosen, by, delete: deletes }, { id, endsAtMs }) {
    if (by === "process") {
      const parameters = { pods: chosen.map(({ uid }) => uid) };
      await reach.components.hold("kubelet", { id, point: POINT, parameters, endsAtMs });
    } else for (const at of chosen) await changeFinalizers(reach, at, (others) => [...others, FINALIZER]);
    if (deletes) for (const at of chosen) await remove(reach, at);
  },
  async heal(reach, { pods: chosen, by }, { id }) {
    if (by === "process") await reach.components.release("kubelet", id);
    else for (const at of chosen) await changeFinalizers(reach, at, (others) => others);
  },
});

const remove = ({ client }: Reach, { namespace, name, uid }: Stuck["pods"][number]): Promise<void> =>
  orGone(client.delete(pods, { namespace, name }, { preconditions: { uid } }));

/** Reads and writes until nobody came between. `change` is given the finalizers of others; a pod that is gone needs none. */
async function changeFinalizers(
  { client }: Reach,
  { namespace, name, uid }: Stuck["pods"][number],
  change: (others: string[]) => string[],
): Promise<void> {
  for (;;) {
    try {
      const pod: Pod = await client.get(pods, { namespace, name });
      if (pod.metadata.uid !== uid) return;
      const before = pod.metadata.finalizers ?? [];
      const finalizers = change(before.filter((one) => one !== FINALIZER));
      if (finalizers.length === before.length) return;
      await client.update(pods, { ...pod, metadata: { ...pod.metadata, finalizers } });
      return;
    } catch (err) {
      if (isNotFound(err)) return;
      if (!isConflict(err)) throw err;
    }
  }
}
