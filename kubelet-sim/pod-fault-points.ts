import { FaultParameters } from "../machinery/runtime/fault-parameters.js";
import type { FaultPoints } from "../machinery/runtime/fault-points.js";
import type { KubeletHost } from "./kubelet-host.js";
import type { Container } from "./container-runtime.js";
import type { PodWorker } from "./pods/pod-worker.js";

/** Where pods can be broken. Those that are gone meanwhile are passed over. */
export function definePodFaults(points: FaultPoints, host: KubeletHost): void {
  defineContainerFaults(points, host);
  defineProbeFaults(points, host);
  defineImageFaults(points, host);
  defineAddressFaults(points, host);
}

function defineContainerFaults(points: FaultPoints, host: KubeletHost): void {
  points.define({
    name: "container-exit",
    summary: "the running containers of pods end, once",
    inject(parameters) {
      const read = new FaultParameters(parameters, ["pods", "container", "exitCode", "signal", "reason"]);
      const [container, signal, reason] = [read.text("container"), read.text("signal"), read.text("reason")];
      const exit = {
        exitCode: read.number("exitCode", 255),
        ...(signal === undefined ? {} : { signal }),
        ...(reason === undefined ? {} : { reason }),
      };
      for (const running of runningIn(host, podsIn(read), container)) running.end(exit);
      return () => {};
    },
  });
  points.define({
    name: "crash-loop",
    summary: "each run of the containers of pods ends after a time",
    inject(parameters) {
      const read = new FaultParameters(parameters, ["pods", "afterMs", "exitCode"]);
      const pods = podsIn(read);
      const remove = host.faults.crashes.add({
        pods,
        afterMs: read.number("afterMs"),
        exitCode: read.number("exitCode", 255),
      });
      for (const { containers } of workersOf(host, pods))
        for (const record of containers.main)
          if (record.current.kind === "running") containers.crashSoon(record);
      return remove;
    },
  });
  points.define({
    name: "held-signals",
    summary: "the containers of pods hear no signal, as in uninterruptible sleep: they cannot be ended",
    inject(parameters) {
      const held = runningIn(host, podsIn(new FaultParameters(parameters, ["pods"])));
      const releases = held.map((container) => container.holdSignals());
      return () => {
        for (const release of releases) release();
      };
    },
  });
}

function defineProbeFaults(points: FaultPoints, { faults }: KubeletHost): void {
  points.define({
    name: "probe",
    summary: "probes of one kind fail in pods: always, or every other everyMs",
    inject(parameters) {
      const read = new FaultParameters(parameters, ["pods", "kind", "everyMs"]);
      const kind = read.oneOf("kind", ["startup", "liveness", "readiness"]);
      if (!kind) throw new RangeError("kind is needed");
      return faults.failProbes({ pods: podsIn(read), kind, everyMs: read.number("everyMs") });
    },
  });
}

function defineImageFaults(points: FaultPoints, { faults }: KubeletHost): void {
  const parse = (parameters: Readonly<Record<string, unknown>>) => {
    const read = new FaultParameters(parameters, ["nodes", "image", "delayMs"]);
    return { nodes: read.texts("nodes"), image: read.text("image") ?? "*", delayMs: read.number("delayMs") };
  };
  points.define({
    name: "slow-start",
    summary: "containers start late",
    inject: (parameters) => faults.starts.add(parse(parameters)),
  });
  points.define({
    name: "image-pull",
    summary: "the registry does not answer: images cannot be pulled",
    inject: (parameters) => faults.pulls.add(parse(parameters)),
  });
}

function defineAddressFaults(points: FaultPoints, host: KubeletHost): void {
  const killSandboxes = (pods: ReadonlySet<string>): void => {
    // All die before any is made again. Removing a sandbox does not fail.
    for (const worker of workersOf(host, pods)) void worker.killSandbox();
  };
  points.define({
    name: "sandbox-loss",
    summary: "the sandboxes of pods die, once or every everyMs: the kubelet makes new ones",
    inject(parameters) {
      const read = new FaultParameters(parameters, ["pods", "everyMs"]);
      const pods = podsIn(read);
      const everyMs = read.number("everyMs");
      if (everyMs > 0) return host.faults.repeat(everyMs, () => killSandboxes(pods));
      killSandboxes(pods);
      return () => {};
    },
  });
  points.define({
    name: "addresses",
    summary: "nodes give addresses out by another policy, or have none",
    inject(parameters) {
      const read = new FaultParameters(parameters, ["nodes", "reuse", "exhausted"]);
      const reuse = read.oneOf("reuse", ["delayed", "immediate", "adversarial"]);
      const exhausted = read.flag("exhausted");
      return host.faults.addresses.add({
        nodes: read.texts("nodes"),
        exhausted,
        ...(reuse ? { reuse } : {}),
      });
    },
  });
  points.define({
    name: "duplicate-address",
    summary: "pod `taker` gets the addresses that pod `owner` has and keeps",
    inject(parameters) {
      const read = new FaultParameters(parameters, ["taker", "owner"]);
      const [taker = "", owner = ""] = [read.text("taker"), read.text("owner")];
      const ips = host.pod(owner)?.sandbox?.ips;
      if (!ips) throw new RangeError(`no live pod "${owner}"`);
      const remove = host.faults.addresses.add({ nodes: undefined, copy: { taker, ips } });
      killSandboxes(new Set([taker]));
      return () => {
        remove();
        killSandboxes(new Set([taker]));
      };
    },
  });
}

function podsIn(read: FaultParameters): ReadonlySet<string> {
  const pods = read.texts("pods");
  if (!pods) throw new RangeError("pods must be a list of uids");
  return pods;
}

const workersOf = (host: KubeletHost, pods: ReadonlySet<string>): PodWorker[] =>
  [...pods].flatMap((uid) => host.pod(uid) ?? []);

const runningIn = (host: KubeletHost, pods: ReadonlySet<string>, named?: string): Container[] =>
  workersOf(host, pods).flatMap(({ containers }) =>
    containers.all
      .filter(({ spec, current }) => current.kind === "running" && (named ?? spec.name) === spec.name)
      .flatMap(({ container }) => container ?? []),
  );
