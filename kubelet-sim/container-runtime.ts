import type { Network } from "../machinery/network/network.js";

/**
 * What the kubelet needs of a container runtime: the shape of the CRI, for containers that are programs in this
 * process. Nothing here knows the Kubernetes API. One runtime per node.
 */
export interface ContainerRuntime {
  /** Idempotent for the same uid: an existing live sandbox is returned. Its IPs come from the node's pod ranges. */
  runSandbox(config: SandboxConfig): Promise<Sandbox>;
  /** Takes `latency.pull`. Rejects with ImageError. `reference` is as written in the Pod. */
  pullImage(reference: string): Promise<PulledImage>;
  /** Images that were pulled, for node status and imagePullPolicy. */
  images(): readonly PulledImage[];
  /** Ends everything at once, as a node crash does: no signals, connections vanish without FIN or RST. */
  crash(): void;
}

export class ImageError extends Error {
  override readonly name = "ImageError";
  /** `ErrImagePull` (nobody has it), `InvalidImageName`, `ErrImageNeverPull`. */
  readonly reason: "ErrImagePull" | "InvalidImageName" | "ErrImageNeverPull";
  constructor(reason: "ErrImagePull" | "InvalidImageName" | "ErrImageNeverPull", message: string) {
    super(message);
    this.reason = reason;
  }
}

export interface PulledImage {
  /** Normalised: `docker.io/library/nginx:latest`. */
  name: string;
  /** `docker.io/library/nginx@sha256:…`, stable for a name. */
  id: string;
  sizeBytes: number;
}

export interface SandboxConfig {
  podUid: string;
  namespace: string;
  name: string;
  hostname: string;
  /** Shares the node's network instead of getting an IP of its own. */
  hostNetwork: boolean;
  /** Whole text of /etc/resolv.conf and of /etc/hosts but for the pod's own line, which the runtime adds. */
  resolvConf: string;
  hostAliases: readonly { ip: string; hostnames: readonly string[] }[];
}

export interface Sandbox {
  /** 64 hex digits. */
  readonly id: string;
  /** Path of its network namespace, or `host`. */
  readonly networkNamespace: string;
  /** False once it was removed, or its node crashed. */
  readonly isLive: boolean;
  readonly ip: string;
  /** One of each family of the node's pod ranges, the primary one first; the node's with hostNetwork. */
  readonly ips: readonly string[];
  readonly network: Network;
  /** Containers of one sandbox share network and the volumes that both mount. */
  createContainer(config: ContainerConfig): Container;
  /** Kills what still runs, closes listeners, resets connections, gives the IP back to the pool. */
  remove(): Promise<void>;
}

export interface ContainerConfig {
  name: string;
  image: PulledImage;
  /** Replaces the image's entrypoint; empty keeps it. */
  command: readonly string[];
  args: readonly string[];
  env: readonly { name: string; value: string }[];
  workingDir?: string;
  mounts: readonly Mount[];
  stdin: boolean;
  stdinOnce: boolean;
  tty: boolean;
  /** 0 for the first run, then the restart count: names the log. */
  attempt: number;
}

export interface Mount {
  path: string;
  volume: PodVolume;
  readOnly: boolean;
  subPath?: string;
}

/**
 * Files that containers of a pod share; the kubelet rewrites those that come from ConfigMaps and Secrets. Made by
 * `newPodVolume()` of runtime/pod-volume.ts.
 */
export interface PodVolume {
  /** Replaces the whole content atomically. Paths are relative, `/`-separated; `mode` is 0644 by default. */
  replace(files: ReadonlyMap<string, Uint8Array>, mode?: number): void;
}

export interface ExitStatus {
  exitCode: number;
  /** The signal that ended it, if one did (9, 15). */
  signal?: number;
  /** `Completed`, `Error`, `OOMKilled`, `ContainerCannotRun`, `StartError`. */
  reason: string;
  message?: string;
  startedAtMs: number;
  finishedAtMs: number;
}

export interface Container {
  /** `containerd://<64 hex>`. */
  readonly id: string;
  /** Takes `latency.start`. Rejects with Error (its message becomes RunContainerError's) when the program is not there. */
  start(): Promise<void>;
  /** Resolves when the program has ended. */
  readonly exited: Promise<ExitStatus>;
  /** SIGTERM (or `signal`), then SIGKILL after `graceMs`; resolves when it has ended. */
  stop(graceMs: number, signal?: string): Promise<void>;
  /** Sends one signal. */
  signal(signal: string): void;
  /** The running program ends so, as if by itself or by the kernel. */
  end(exit: { exitCode: number; signal?: string; reason?: string }): void;
  /** Signals, SIGKILL too, are heard only once the answer is called: a program in uninterruptible sleep. */
  holdSignals(): () => void;
  /** Runs another program in the container. Rejects with Error when it is not there (message as runc's). */
  exec(request: ExecRequest): Promise<ExecSession>;
  /** Joins the running program's streams. See DESIGN §7: a stdinOnce container replays to its first attach. */
  attach(streams: { stdin: boolean }): AttachSession;
  readonly log: ContainerLog;
}

export interface ExecRequest {
  command: readonly string[];
  stdin: boolean;
  tty: boolean;
}

/** The client's side of a program's streams. */
export interface ExecSession {
  /** Undefined when `stdin` was not asked for. */
  stdin?: { write(bytes: Uint8Array): Promise<void>; end(): void };
  /** End when the program closes them; with a tty all output is on stdout. */
  stdout: AsyncIterable<Uint8Array>;
  stderr: AsyncIterable<Uint8Array>;
  resize(size: { width: number; height: number }): void;
  /** Exit code, after both outputs have ended. */
  readonly exited: Promise<number>;
  kill(): void;
}
export type AttachSession = ExecSession & { detach(): void };

export interface LogLine {
  /** Wall time of the node's clock. */
  atMs: number;
  stream: "stdout" | "stderr";
  /** Without the newline. */
  text: Uint8Array;
  /** False when the program ended, or went on, without a newline (CRI tag P). */
  complete: boolean;
}

export interface ContainerLog {
  /** Lines so far; with `follow` goes on until the container has ended or the signal aborts. */
  read(options: { follow: boolean; signal: AbortSignal }): AsyncIterable<LogLine>;
}
