import type { Clock } from "../../machinery/api/clock.js";
import type { Container } from "../../machinery/api/core-v1.js";
import { type ContainerRuntime, ImageError, type PulledImage } from "../container-runtime.js";
import { BackOff } from "./back-off.js";
import { formatDuration } from "./durations.js";

/** Told of what happens, in the words of the kubelet's events. */
export type EventSink = (type: "Normal" | "Warning", reason: string, message: string) => void;

/** The image is not there: `reason` and `message` go into the container's waiting state. */
export class ImageNotReady extends Error {
  override readonly name = "ImageNotReady";
  readonly reason: string;
  /** When another try makes sense. */
  readonly retryInMs: number;
  constructor(reason: string, message: string, retryInMs: number) {
    super(message);
    this.reason = reason;
    this.retryInMs = retryInMs;
  }
}

const NEVER_RETRY_MS = 10_000;

// Upstream: pkg/kubelet/images/image_manager.go EnsureImageExists.
/** Brings images onto one node: pull policy, back-off, events. Pulls of one image at the same time are one. */
export class ImagePuller {
  readonly #runtime: ContainerRuntime;
  readonly #clock: Clock;
  readonly #unreachable: (reference: string) => string | undefined;
  readonly #backOff = new BackOff();
  readonly #failures = new Map<string, { text: string; atMs: number }>();
  readonly #pulling = new Map<string, Promise<PulledImage>>();
  /** Images on the node, by the reference as written. */
  readonly #present = new Map<string, PulledImage>();

  /** `unreachable` says why an image cannot be pulled now, whatever the registry has. */
  constructor(options: {
    runtime: ContainerRuntime;
    clock: Clock;
    unreachable?: (reference: string) => string | undefined;
  }) {
    this.#runtime = options.runtime;
    this.#clock = options.clock;
    this.#unreachable = options.unreachable ?? (() => undefined);
  }

  /** Rejects with ImageNotReady. */
  async ensure(podUid: string, container: Container, emit: EventSink): Promise<PulledImage> {
    const reference = container.image;
    const policy = container.imagePullPolicy ?? (isLatest(reference) ? "Always" : "IfNotPresent");
    const present = this.#present.get(reference);
    if (present && policy !== "Always") {
      emit(
        "Normal",
        "Pulled",
        `Container image "${reference}" already present on machine and can be accessed by the pod`,
      );
      return present;
    }
    if (policy === "Never") return this.#never(reference, emit);
    return this.#pull(podUid, reference, emit);
  }

  /** Whoever asks first is told of the pull; a back-off of a pod that is gone is not kept. */
  forgetPod(podUid: string, containers: readonly Container[]): void {
    for (const { image } of containers) {
      this.#backOff.forget(`${podUid}_${image}`);
      this.#failures.delete(`${podUid}_${image}`);
    }
  }

  #never(reference: string, emit: EventSink): never {
    const message = `Container image "${reference}" is not present with pull policy of Never`;
    emit("Warning", "ErrImageNeverPull", message);
    emit("Warning", "Failed", "Error: ErrImageNeverPull");
    throw new ImageNotReady("ErrImageNeverPull", message, NEVER_RETRY_MS);
  }

  async #pull(podUid: string, reference: string, emit: EventSink): Promise<PulledImage> {
    const key = `${podUid}_${reference}`;
    const nowMs = this.#clock.nowMs();
    const failure = this.#failures.get(key);
    const waitMs = failure ? this.#backOff.remainingMs(key, failure.atMs, nowMs) : 0;
    if (failure && waitMs > 0) {
      emit("Normal", "BackOff", `Back-off pulling image "${reference}"`);
      emit("Warning", "Failed", "Error: ImagePullBackOff");
      const message = `Back-off pulling image "${reference}": ${failure.text}`;
      throw new ImageNotReady("ImagePullBackOff", message, waitMs);
    }
    emit("Normal", "Pulling", `Pulling image "${reference}"`);
    const startedMs = this.#clock.monotonicMs();
    const problem = this.#unreachable(reference);
    if (problem !== undefined)
      return this.#failed(key, reference, new ImageError("ErrImagePull", problem), emit);
    try {
      const image = await this.#shared(reference);
      const took = formatDuration(Math.floor(this.#clock.monotonicMs() - startedMs));
      const size = `Image size: ${image.sizeBytes} bytes.`;
      emit(
        "Normal",
        "Pulled",
        `Successfully pulled image "${reference}" in ${took} (${took} including waiting). ${size}`,
      );
      this.#failures.delete(key);
      return image;
    } catch (err) {
      return this.#failed(key, reference, err, emit);
    }
  }

  #failed(key: string, reference: string, err: unknown, emit: EventSink): never {
    if (!(err instanceof ImageError)) throw err;
    const nowMs = this.#clock.nowMs();
    if (err.reason === "InvalidImageName") {
      emit("Warning", "InspectFailed", err.message);
      emit("Warning", "Failed", "Error: InvalidImageName");
      throw new ImageNotReady("InvalidImageName", err.message, NEVER_RETRY_MS);
    }
    emit("Warning", "Failed", `Failed to pull image "${reference}": ${err.message}`);
    emit("Warning", "Failed", `Error: ${err.reason}`);
    this.#backOff.next(key, nowMs, nowMs);
    this.#failures.set(key, { text: `${err.reason}: ${err.message}`, atMs: nowMs });
    // The next look finds the back-off and says so, as the real kubelet's next sync does.
    throw new ImageNotReady(err.reason, err.message, FIRST_LOOK_MS);
  }

  #shared(reference: string): Promise<PulledImage> {
    const running = this.#pulling.get(reference);
    if (running) return running;
    const pull = this.#runtime
      .pullImage(reference)
      .then((image) => {
        this.#present.set(reference, image);
        return image;
      })
      .finally(() => this.#pulling.delete(reference));
    this.#pulling.set(reference, pull);
    return pull;
  }
}

const FIRST_LOOK_MS = 2_000;

/** No tag, or `:latest`, means Always; the API server's defaulting has normally said so already. */
function isLatest(reference: string): boolean {
  if (reference.includes("@")) return false;
  const tag = /:([^/:]+)$/.exec(reference)?.[1];
  return tag === undefined || tag === "latest";
}
