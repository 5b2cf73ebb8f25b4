import type { Pod } from "../../../machinery/api/core-v1.js";
import type { HttpResponse } from "../../../machinery/api/http.js";
import type { Eviction } from "../../../machinery/api/policy-v1.js";
import { resource } from "../../../machinery/api/resource.js";
import { newBadRequest } from "../../../machinery/api/status.js";
import { jsonAnswer, successStatus } from "../answers.js";
import type { ActionCall, Strategy, Subresource } from "../serve.js";
import { setPodCondition } from "./conditions.js";

const evictions = resource<Eviction>("policy/v1", "Eviction", { plural: "evictions" });

const strategy: Strategy<Pod> = {};

/** `pods/NAME/eviction`: deletes a pod as `kubectl drain` asks. */
export const podEviction: Subresource<Pod> = {
  kind: "action",
  descriptor: evictions,
  verbs: ["create"],
  handle: evict,
};

async function evict(call: ActionCall<Pod>): Promise<HttpResponse> {
  const { namespace, name, store, object, context } = call;
  const eviction = await call.decodeBody<Eviction>();
  if (!eviction) throw newBadRequest("an Eviction is required");
  if (eviction.metadata.name && eviction.metadata.name !== name)
    throw newBadRequest(
      `name in URL does not match name in Eviction object: ${name}, ${eviction.metadata.name}`,
    );
  const deletion = eviction.deleteOptions ?? {};
  const dryRun = context.dryRun || deletion.dryRun?.includes("All") === true;
  const at = { namespace, name };
  if (!dryRun && !object.metadata.deletionTimestamp && object.spec.nodeName && !deletion.preconditions)
    await store.mutate(at, (pod) => markDisrupted(pod, context.clock.nowMs()), { ...context, strategy });
  await store.delete(at, { ...deletion }, { user: context.user, dryRun });
  return jsonAnswer(201, successStatus(201));
}

const markDisrupted = (pod: Pod, nowMs: number): void =>
  setPodCondition(
    pod,
    {
      type: "DisruptionTarget",
      status: "True",
      reason: "EvictionByEvictionAPI",
      message: "Eviction API: evicting",
    },
    nowMs,
  );
