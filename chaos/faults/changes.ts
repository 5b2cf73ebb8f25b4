import { deployments } from "../../machinery/api/apps-v1.js";
import { namespaces, pods, type Service, services } from "../../machinery/api/core-v1.js";
import { type ChoiceContext, defineFault, type Fault } from "../fault.js";
import { orGone } from "../or-gone.js";
import type { Reach } from "../reach.js";
import type { TargetSpec } from "../scenario/types.js";
import { chooseDeployments, choosePods, chooseServices } from "../targets.js";

/** Objects by name, and what was there before. */
interface Named {
  namespace: string;
  name: string;
}

const named = ({
  metadata: { namespace = "default", name },
}: {
  metadata: { namespace?: string; name: string };
}): Named => ({
  namespace,
  name,
});
const some = <T>(items: T[]): T[] | undefined => (items.length === 0 ? undefined : items);
const restore = {
  type: "flag",
  help: "put back at the end what was there before",
  default: true,
} as const;

const rollingUpdate = defineFault<{ deployments: Named[]; atMs: number }>({
  name: "rolling-update",
  summary: "Deployments roll out anew, as kubectl rollout restart does",
  layer: "change",
  targets: "deployments",
  momentary: true,
  parameters: {},
  async choose(context, { target }) {
    const chosen = some((await chooseDeployments(context, target)).map(named));
    return chosen && { deployments: chosen, atMs: context.clock.nowMs() };
  },
  async inject({ client }, target) {
    const annotations = { "kubectl.kubernetes.io/restartedAt": new Date(target.atMs).toISOString() };
    const body = { spec: { template: { metadata: { annotations } } } };
    for (const at of target.deployments) await client.patch(deployments, at, { type: "strategic", body });
  },
  async heal() {},
});

interface Scaled {
  deployments: (Named & { before: number })[];
  replicas: number;
  restore: boolean;
}

const scale = defineFault<Scaled>({
  name: "scale",
  summary: "Deployments get another number of replicas",
  layer: "change",
  targets: "deployments",
  parameters: { replicas: { type: "number", help: "how many", min: 0 }, restore },
  claims: (target) => target.deployments.map(({ namespace, name }) => `replicas of ${namespace}/${name}`),
  async choose(context, { target, parameters }) {
    const chosen = some(
      (await chooseDeployments(context, target)).map((item) => ({
        ...named(item),
        before: item.spec.replicas ?? 1,
      })),
    );
    return (
      chosen && {
        deployments: chosen,
        replicas: Number(parameters["replicas"]),
        restore: parameters["restore"] !== false,
      }
    );
  },
  async inject(reach, target) {
    for (const at of target.deployments) await setReplicas(reach, at, target.replicas);
  },
  async heal(reach, target) {
    if (target.restore) for (const at of target.deployments) await setReplicas(reach, at, at.before);
  },
});

const setReplicas = ({ client }: Reach, { namespace, name }: Named, replicas: number): Promise<void> =>
  orGone(client.patch(deployments, { namespace, name }, { type: "merge", body: { spec: { replicas } } }));

interface Relabeled {
  pods: (Named & { before: string | null })[];
  label: string;
  value: string | null;
}

const labelFlip = defineFault<Relabeled>({
  name: "label-flip",
  summary:
    "a label of running pods changes or goes, and comes back at the end: label off is out of the Service",
  layer: "change",
  targets: "pods",
  parameters: {
    label: { type: "text", help: "its key" },
    value: { type: "text", help: "its new value; absent: it is taken off", optional: true },
  },
  async choose(context, { target, parameters }) {
    const label = String(parameters["label"]);
    const value = (parameters["value"] as string | undefined) ?? null;
    const chosen = some(
      (await choosePods(context, target)).map((pod) => ({
        ...named(pod),
        before: pod.metadata.labels?.[label] ?? null,
      })),
    );
    return chosen && { pods: chosen, label, value };
  },
  async inject(reach, { pods: chosen, label, value }) {
    for (const at of chosen) await setLabel(reach, at, label, value);
  },
  async heal(reach, { pods: chosen, label }) {
    for (const at of chosen) await setLabel(reach, at, label, at.before);
  },
});

const setLabel = (
  { client }: Reach,
  { namespace, name }: Named,
  label: string,
  value: string | null,
): Promise<void> =>
  orGone(
    client.patch(
      pods,
      { namespace, name },
      { type: "merge", body: { metadata: { labels: { [label]: value } } } },
    ),
  );

interface EditedServices {
  services: (Named & { before: Service["spec"]; after: Partial<Service["spec"]> })[];
  restore: boolean;
}

/** A fault that edits the spec of Services; null takes a field away. */
const serviceEdit = (kind: {
  name: string;
  summary: string;
  parameters: Fault["parameters"];
  edit(spec: Service["spec"], parameters: Record<string, unknown>): Record<string, unknown>;
}): Fault =>
  defineFault<EditedServices>({
    name: kind.name,
    summary: kind.summary,
    layer: "change",
    targets: "services",
    parameters: { ...kind.parameters, restore },
    claims: ({ services: chosen }) => chosen.map(({ namespace, name }) => `service ${namespace}/${name}`),
    async choose(context, { target, parameters }) {
      const chosen = some(
        (await chooseServices(context, target)).map((service) => ({
          ...named(service),
          before: service.spec,
          after: kind.edit(service.spec, parameters),
        })),
      );
      return chosen && { services: chosen, restore: parameters["restore"] !== false };
    },
    async inject({ client }, { services: chosen }) {
      for (const { namespace, name, after } of chosen)
        await client.patch(services, { namespace, name }, { type: "merge", body: { spec: after } });
    },
    async heal({ client }, { services: chosen, restore: wanted }) {
      if (!wanted) return;
      for (const { namespace, name, before, after } of chosen)
        await orGone(
          client.patch(
            services,
            { namespace, name },
            { type: "merge", body: { spec: undone(before as unknown as Record<string, unknown>, after) } },
          ),
        );
    },
  });

/** The merge patch that brings back what `after` changed in `before`: maps key by key, lists and values whole. */
function undone(before: Readonly<Record<string, unknown>>, after: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(after).map(([field, value]) => {
      const old = before[field];
      if (!isMap(value) || !isMap(old)) return [field, old ?? null];
      const gone = Object.keys(value).filter((key) => !Object.hasOwn(old, key));
      return [field, { ...old, ...Object.fromEntries(gone.map((key) => [key, null])) }];
    }),
  );
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const selectorEdit = serviceEdit({
  name: "selector-edit",
  summary: "the selector of Services changes: other pods, or none, are behind them",
  parameters: { selector: { type: "map", help: "labels to add or change" } },
  edit: (_spec, { selector }) => ({ selector }),
});

const portRename = serviceEdit({
  name: "port-rename",
  summary: "the ports of Services get other names",
  parameters: { suffix: { type: "text", help: "what each name ends with from now on", default: "-new" } },
  edit: ({ ports = [] }, { suffix }) => ({
    ports: ports.map((port) => ({ ...port, name: `${port.name ?? "port"}${String(suffix)}` })),
  }),
});

const serviceTypeChange = serviceEdit({
  name: "service-type-change",
  summary: "Services change their type",
  parameters: {
    type: {
      type: "choice",
      help: "the new one",
      choices: ["ClusterIP", "NodePort", "LoadBalancer"],
      default: "ClusterIP",
    },
  },
  edit: (_spec, { type }) => ({ type }),
});

const recreateService = defineFault<{
  services: (Named & { labels?: Record<string, string>; spec: Service["spec"] })[];
}>({
  name: "recreate-service",
  summary: "Services are deleted and made again: the same name, a new ClusterIP",
  layer: "change",
  targets: "services",
  momentary: true,
  parameters: {},
  async choose(context, { target }) {
    const chosen = some(
      (await chooseServices(context, target)).map((service) => ({
        ...named(service),
        ...(service.metadata.labels ? { labels: service.metadata.labels } : {}),
        spec: service.spec,
      })),
    );
    return chosen && { services: chosen };
  },
  async inject({ client }, { services: chosen }) {
    for (const { namespace, name, labels, spec } of chosen) {
      await orGone(client.delete(services, { namespace, name }));
      const { clusterIP, clusterIPs: _ips, healthCheckNodePort: _port, ...rest } = spec;
      await client.create(services, {
        metadata: { namespace, name, ...(labels ? { labels } : {}) },
        spec: {
          ...rest,
          ...(clusterIP === "None" ? { clusterIP } : {}),
          ...(rest.ports ? { ports: rest.ports.map(({ nodePort: _nodePort, ...port }) => port) } : {}),
        },
      });
    }
  },
  async heal() {},
});

const deleteNamespace = defineFault<{ namespace: string }>({
  name: "delete-namespace",
  summary: "a namespace goes, with everything in it; it does not come back",
  layer: "change",
  targets: "none",
  momentary: true,
  parameters: { namespace: { type: "text", help: "its name" } },
  choose: async (
    { client }: ChoiceContext,
    { parameters }: { parameters: Record<string, unknown>; target: TargetSpec },
  ) => {
    const name = String(parameters["namespace"]);
    const { items } = await client.list(namespaces, { fieldSelector: `metadata.name=${name}` });
    return items.length === 0 ? undefined : { namespace: name };
  },
  inject: ({ client }, { namespace }) => orGone(client.delete(namespaces, { name: namespace })),
  async heal() {},
});

export const changeFaults: readonly Fault[] = [
  rollingUpdate,
  scale,
  labelFlip,
  selectorEdit,
  portRename,
  serviceTypeChange,
  recreateService,
  deleteNamespace,
];
