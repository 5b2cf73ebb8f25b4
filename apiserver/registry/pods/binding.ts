import { type Binding, type Pod, pods } from "../../../machinery/api/core-v1.js";
import { field, newInvalid, notSupported, required } from "../../../machinery/api/field-error.js";
import type { HttpResponse } from "../../../machinery/api/http.js";
import { resource } from "../../../machinery/api/resource.js";
import { newBadRequest, newConflict, type StatusError } from "../../../machinery/api/status.js";
import { jsonAnswer, successStatus } from "../answers.js";
import type { ActionCall, Strategy, Subresource } from "../serve.js";
import { setPodCondition } from "./conditions.js";

export const bindings = resource<Binding>("v1", "Binding", { plural: "bindings" });

/** Placing a pod is no change of what it should be. */
const strategy: Strategy<Pod> = { generationChanged: () => false };

/** `pods/NAME/binding`: the scheduler's word on where a pod runs. */
export const podBinding: Subresource<Pod> = {
  kind: "action",
  descriptor: bindings,
  verbs: ["create"],
  handle: bind,
};

async function bind(call: ActionCall<Pod>): Promise<HttpResponse> {
  const { namespace, name, store, context } = call;
  const binding = await call.decodeBody<Binding>();
  if (!binding) throw newBadRequest("a Binding is required");
  validateBinding(binding, name);
  await store.mutate({ namespace, name }, (pod) => assign(pod, binding, context.clock.nowMs()), {
    ...context,
    strategy,
  });
  return jsonAnswer(201, successStatus(201));
}

function validateBinding({ metadata, target }: Binding, name: string): void {
  if (metadata.name && metadata.name !== name)
    throw newBadRequest("name in URL does not match name in Binding object");
  const at = field("target");
  const errors = [];
  if (target?.kind && target.kind !== "Node")
    errors.push(notSupported(at.child("kind"), target.kind, ["Node", "<empty>"]));
  if (!target?.name) errors.push(required(at.child("name")));
  if (errors.length > 0) throw newInvalid(bindings, name, errors);
}

/** Upstream: setPodHostAndAnnotations. */
function assign(pod: Pod, binding: Binding, nowMs: number): void {
  const { name, uid } = pod.metadata;
  if (binding.metadata.uid && binding.metadata.uid !== uid)
    throw newBindingConflict(
      name,
      `Precondition failed: UID in precondition: ${binding.metadata.uid}, UID in object meta: ${uid}`,
    );
  if (pod.metadata.deletionTimestamp)
    throw newBindingConflict(name, `pod ${name} is being deleted, cannot be assigned to a host`);
  if (pod.spec.nodeName)
    throw newBindingConflict(name, `pod ${name} is already assigned to node "${pod.spec.nodeName}"`);
  if (pod.spec.schedulingGates?.length)
    throw newBindingConflict(name, `pod ${name} has non-empty .spec.schedulingGates`);
  pod.spec.nodeName = binding.target.name ?? "";
  if (binding.metadata.annotations)
    pod.metadata.annotations = { ...pod.metadata.annotations, ...binding.metadata.annotations };
  setPodCondition(pod, { type: "PodScheduled", status: "True" }, nowMs);
}

const newBindingConflict = (name: string, cause: string): StatusError =>
  newConflict({ group: pods.group, resource: "pods/binding" }, name, cause);
