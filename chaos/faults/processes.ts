import { defineFault, type Fault } from "../fault.js";
import type { Component, ProcessControl } from "../reach.js";
import { chooseComponent } from "../targets.js";

interface ProcessTarget {
  component: Component;
}

interface ProcessKind {
  name: string;
  summary: string;
  momentary?: boolean;
  inject: (processes: ProcessControl, component: Component) => Promise<void>;
  heal?: (processes: ProcessControl, component: Component) => Promise<void>;
}

const kinds: readonly ProcessKind[] = [
  {
    name: "process-kill",
    summary: "kill -9 of a component; the supervisor starts it again",
    momentary: true,
    inject: (processes, component) => processes.kill(component),
  },
  {
    name: "process-restart",
    summary: "a component is asked to end, and started again",
    momentary: true,
    inject: (processes, component) => processes.restart(component),
  },
  {
    name: "process-stop",
    summary: "a component is killed and stays down",
    inject: (processes, component) => processes.stop(component),
    heal: (processes, component) => processes.start(component),
  },
  {
    name: "process-pause",
    summary: "a component stands still (SIGSTOP): its connections are open, its time does not pass",
    inject: (processes, component) => processes.pause(component),
    heal: (processes, component) => processes.resume(component),
  },
];

/** Components as processes: target `component`. */
export const processFaults: readonly Fault[] = kinds.map(
  ({ name, summary, momentary = false, inject, heal }) =>
    defineFault<ProcessTarget>({
      name,
      summary,
      layer: "resource",
      targets: "component",
      parameters: {},
      momentary,
      claims: ({ component }) => [`process/${component}`],
      choose: (_context, { target }) => Promise.resolve({ component: chooseComponent(target) }),
      inject: ({ processes }, { component }) => inject(processes, component),
      heal: async ({ processes }, { component }) => heal?.(processes, component),
    }),
);

/** Two instances at once. */
export const duplicateFaults: readonly Fault[] = [
  defineFault<{ component: "controllers" | "proxy"; split: boolean }>({
    name: "duplicate-instance",
    summary: "a second controller manager or proxy runs beside the first",
    layer: "controllers",
    targets: "component",
    parameters: {
      split: {
        type: "flag",
        help: "it works without asking for the lease (split brain), instead of standing by",
        default: false,
      },
    },
    claims: ({ component }) => [`second ${component}`],
    choose: (_context, { target, parameters }) => {
      const component = chooseComponent(target);
      if (component !== "controllers" && component !== "proxy")
        throw new RangeError(`a second ${component} cannot run beside the first`);
      return Promise.resolve<{ component: "controllers" | "proxy"; split: boolean } | undefined>({
        component,
        split: parameters["split"] === true,
      });
    },
    inject: ({ processes }, { component, split }) => processes.duplicate(component, { split }),
    heal: ({ processes }, { component }) => processes.removeDuplicate(component),
  }),
  defineFault<{ component: "controllers" }>({
    name: "leader-failover",
    summary: "a second controller manager stands by, and the one that leads is killed and stays down",
    layer: "controllers",
    targets: "none",
    parameters: {},
    claims: () => ["process/controllers", "second controllers"],
    choose: () => Promise.resolve<{ component: "controllers" } | undefined>({ component: "controllers" }),
    async inject({ processes }, { component }) {
      await processes.duplicate(component);
      await processes.stop(component);
    },
    async heal({ processes }, { component }) {
      await processes.start(component);
      await processes.removeDuplicate(component);
    },
  }),
];
