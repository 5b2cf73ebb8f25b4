import type { Clock } from "../../machinery/api/clock.js";
import type { Probe } from "../../machinery/api/core-v1.js";
import { formatAddress } from "../../machinery/network/addresses.js";
import { ActiveFaults } from "../../machinery/runtime/active-faults.js";
import { everyMs as repeatEvery } from "../../machinery/runtime/stress-faults.js";
import { isNamed } from "../../machinery/runtime/glob.js";
import { parseImageReference } from "../images/image.js";
import type { ProbeKind } from "../probes/probe-worker.js";
import { portNumber, type ProbeOutcome, type ProbeTarget } from "../probes/prober.js";
import type { AddressFaults, IpReuse } from "../runtime/ip-pool.js";

/** Probes of these pods fail: all the time, or every other `everyMs`. */
export interface ProbeFault {
  pods: ReadonlySet<string>;
  kind: ProbeKind;
  /** 0: all the time. */
  everyMs: number;
  /** Monotonic. */
  sinceMs: number;
}

/** Each run of a container of these pods ends after a time. */
export interface CrashLoop {
  pods: ReadonlySet<string>;
  afterMs: number;
  exitCode: number;
}

/** Containers of these images are slow to start on a node, or their images cannot be pulled to it. */
export interface ImageFault {
  /** Absent means all. */
  nodes: ReadonlySet<string> | undefined;
  /** A reference as it is written in pods, or a pattern with `*`. */
  image: string;
  delayMs: number;
}

/** What is wrong with the addresses of a node. */
export interface AddressFault {
  nodes: ReadonlySet<string> | undefined;
  reuse?: IpReuse;
  exhausted?: boolean;
  /** The next sandbox of pod `taker` gets the addresses of another pod that lives. */
  copy?: { taker: string; ips: readonly string[] };
}

/** What faults do to the pods of a process, for those who run them to ask. Pods are known by their uids. */
export class PodFaults {
  readonly probes = new ActiveFaults<ProbeFault>();
  readonly crashes = new ActiveFaults<CrashLoop>();
  readonly starts = new ActiveFaults<ImageFault>();
  readonly pulls = new ActiveFaults<ImageFault>();
  readonly addresses = new ActiveFaults<AddressFault>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  failProbes(fault: Omit<ProbeFault, "sinceMs">): () => void {
    return this.probes.add({ ...fault, sinceMs: this.#clock.monotonicMs() });
  }

  /** At once, and again and again until the answer is called. */
  repeat(everyMs: number, act: () => void): () => void {
    return repeatEvery(this.#clock, everyMs, act);
  }

  /** What a check comes to instead of being made. */
  probeOutcome(uid: string, kind: ProbeKind, probe: Probe, target: ProbeTarget): ProbeOutcome | undefined {
    if (this.probes.none) return undefined;
    const fault = this.probes.find((one) => one.kind === kind && one.pods.has(uid) && this.#fails(one));
    return fault && { kind: "failure", message: failureOf(probe, target) };
  }

  #fails({ everyMs, sinceMs }: ProbeFault): boolean {
    return everyMs === 0 || Math.floor((this.#clock.monotonicMs() - sinceMs) / everyMs) % 2 === 0;
  }

  crashOf(uid: string): CrashLoop | undefined {
    return this.crashes.none ? undefined : this.crashes.find(({ pods }) => pods.has(uid));
  }

  /** 0 unless a fault acts. */
  startDelayMs(node: string, image: string): number {
    return this.#imageFault(this.starts, node, image)?.delayMs ?? 0;
  }

  /** Why an image cannot be pulled, in containerd's words. */
  pullFailure(node: string, reference: string): string | undefined {
    return this.#imageFault(this.pulls, node, reference) && noRegistry(reference);
  }

  #imageFault(faults: ActiveFaults<ImageFault>, node: string, reference: string): ImageFault | undefined {
    if (faults.none) return undefined;
    return faults.find(
      ({ nodes, image }) => (nodes === undefined || nodes.has(node)) && isNamed(image, reference),
    );
  }

  addressesOf(node: string): AddressFaults {
    const find = (matches: (fault: AddressFault) => boolean): AddressFault | undefined =>
      this.addresses.none
        ? undefined
        : this.addresses.find(
            (fault) => (fault.nodes === undefined || fault.nodes.has(node)) && matches(fault),
          );
    return {
      reuse: () => find(({ reuse }) => reuse !== undefined)?.reuse,
      exhausted: () => find(({ exhausted }) => exhausted === true) !== undefined,
      copied: (uid) => find(({ copy }) => copy?.taker === uid)?.copy?.ips,
      copying: () => find(({ copy }) => copy !== undefined) !== undefined,
    };
  }
}

/** What a probe of this kind says of a program that is up but not well. */
function failureOf(probe: Probe, target: ProbeTarget): string {
  if (probe.httpGet) return "HTTP probe failed with statuscode: 503";
  if (probe.tcpSocket) {
    const { port, host } = probe.tcpSocket;
    const authority = formatAddress({ ip: host || target.podIP, port: portNumber(port, target.container) });
    return `dial tcp ${authority}: connect: connection refused`;
  }
  return probe.grpc ? 'service unhealthy (responded with "NOT_SERVING")' : "";
}

function noRegistry(reference: string): string {
  const { name, repository, tag } = parseImageReference(reference) ?? {
    name: reference,
    repository: reference,
    tag: "latest",
  };
  const slash = repository.indexOf("/");
  const registry =
    repository.slice(0, slash) === "docker.io" ? "registry-1.docker.io" : repository.slice(0, slash);
  const url = `https://${registry}/v2/${repository.slice(slash + 1)}/manifests/${tag}`;
  return `failed to pull and unpack image "${name}": failed to resolve reference "${name}": failed to do request: Head "${url}": dial tcp: lookup ${registry}: i/o timeout`;
}
