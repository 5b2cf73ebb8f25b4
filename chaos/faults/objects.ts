import { applyObject } from "../../cli/objects/apply.js";
import { resourceFor } from "../../cli/resource-for.js";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import type { ResourceDescriptor } from "../../machinery/api/resource.js";
import type { Patch } from "../../machinery/client/rest-client.js";
import { defineFault, type Fault, type ParameterSpec } from "../fault.js";
import { orGone } from "../or-gone.js";
import { resourceNamed } from "../resources.js";

const object: ParameterSpec = { type: "text", help: "kind and name: service/web" };
const namespace: ParameterSpec = { type: "text", help: "where it is", default: "default" };

/** One object, as plain JSON. */
interface Named {
  resource: string;
  namespace: string;
  name: string;
}

/** Throws RangeError for what is not `kind/name` of a kind that is known. */
function parseNamed(parameters: Record<string, unknown>): Named {
  const [resource = "", name = ""] = String(parameters.object).split("/");
  if (!resourceNamed(resource) || name === "")
    throw new RangeError(`"${String(parameters.object)}" is no object: say kind/name, such as service/web`);
  return { resource, name, namespace: String(parameters.namespace) };
}

function locate({ resource, namespace: where, name }: Named): {
  descriptor: ResourceDescriptor;
  at: { namespace?: string; name: string };
} {
  const descriptor = resourceNamed(resource);
  if (!descriptor) throw new RangeError(`unknown resource "${resource}"`);
  return { descriptor, at: descriptor.namespaced ? { namespace: where, name } : { name } };
}

const apply = defineFault<{ objects: KubeObject[] }>({
  name: "apply",
  summary: "objects are created or changed, as kubectl apply does",
  layer: "change",
  targets: "none",
  momentary: true,
  parameters: { objects: { type: "objects", help: "in place, or files relative to the scenario's" } },
  choose: async (_, { parameters }) => ({ objects: parameters.objects as KubeObject[] }),
  async inject({ client }, { objects }) {
    for (const one of objects) {
      const descriptor = resourceFor(one);
      if (!descriptor)
        throw new RangeError(`no matches for kind "${one.kind}" in version "${one.apiVersion}"`);
      await applyObject({ client, namespace: "default" }, descriptor, one);
    }
  },
  async heal() {},
});

const patch = defineFault<Named & Patch>({
  name: "patch",
  summary: "one object is patched, as kubectl patch does",
  layer: "change",
  targets: "none",
  momentary: true,
  parameters: {
    object,
    namespace,
    type: {
      type: "choice",
      help: "of the patch",
      choices: ["strategic", "merge", "json"],
      default: "strategic",
    },
    patch: { type: "json", help: "the patch itself" },
  },
  choose: async (_, { parameters }) => ({
    ...parseNamed(parameters),
    type: parameters.type as Patch["type"],
    body: parameters.patch,
  }),
  async inject({ client }, { type, body, ...named }) {
    const { descriptor, at } = locate(named);
    await client.patch(descriptor, at, { type, body });
  },
  async heal() {},
});

const remove = defineFault<Named & { gracePeriodSeconds?: number }>({
  name: "delete",
  summary: "one object is deleted, as kubectl delete does; one that is gone already is no failure",
  layer: "change",
  targets: "none",
  momentary: true,
  parameters: {
    object,
    namespace,
    gracePeriodSeconds: { type: "number", help: "absent: the object's own", optional: true, min: 0 },
  },
  choose: async (_, { parameters }) => ({
    ...parseNamed(parameters),
    ...(typeof parameters.gracePeriodSeconds === "number"
      ? { gracePeriodSeconds: parameters.gracePeriodSeconds }
      : {}),
  }),
  async inject({ client }, { gracePeriodSeconds, ...named }) {
    const { descriptor, at } = locate(named);
    await orGone(
      client.delete(descriptor, at, gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    );
  },
  async heal() {},
});

const wait = defineFault<Record<string, never>>({
  name: "wait",
  summary:
    "nothing happens: a step that only waits, for others to come after it; with `when` the run ends if that never holds",
  layer: "change",
  targets: "none",
  momentary: true,
  parameters: {},
  choose: async () => ({}),
  async inject() {},
  async heal() {},
});

/** Changes of any object, and a step that only waits. */
export const objectFaults: readonly Fault[] = [apply, patch, remove, wait];
