import type { Clock } from "../../machinery/api/clock.js";
import type { MessageStream } from "../../machinery/api/http.js";
import type { ExecSession } from "../container-runtime.js";
import { SpdySession } from "./spdy-session.js";
import type { SpdyStream } from "./spdy-stream.js";
import {
  type FinalStatus,
  type RemoteStreams,
  resizeTerminal,
  type StreamRequest,
} from "./stream-session.js";

/** The subprotocols of exec and attach over SPDY/3.1, the best first; a client that names none speaks the first version. */
export const SPDY_PROTOCOLS = [
  "v4.channel.k8s.io",
  "v3.channel.k8s.io",
  "v2.channel.k8s.io",
  "channel.k8s.io",
] as const;
export type SpdyProtocol = (typeof SPDY_PROTOCOLS)[number];

/** --stream-creation-timeout */
const CREATION_TIMEOUT_MS = 30_000;
const LONGEST_RESIZE = 256;

type Name = "error" | "stdin" | "stdout" | "stderr" | "resize";

// Upstream: k8s.io/kubelet pkg/cri/streaming/remotecommand.
/** A program's streams as streams of one SPDY session, which the client opens. */
export class SpdyStreams implements RemoteStreams {
  readonly #wire: MessageStream;
  readonly #protocol: SpdyProtocol;
  readonly #wanted: ReadonlySet<string>;
  readonly #streams = new Map<string, SpdyStream>();
  readonly #session: SpdySession;
  readonly #running: Promise<void>;
  #allOpen = (): void => {};

  constructor(wire: MessageStream, protocol: SpdyProtocol, request: StreamRequest) {
    this.#wire = wire;
    this.#protocol = protocol;
    this.#wanted = new Set(wantedStreams(protocol, request));
    this.#session = new SpdySession(wire, {
      accepts: (headers) => {
        const type = headers.get("streamtype") ?? "";
        return this.#wanted.has(type) && !this.#streams.has(type);
      },
      opened: (stream) => {
        this.#streams.set(stream.headers.get("streamtype") ?? "", stream);
        if (this.#streams.size === this.#wanted.size) this.#allOpen();
      },
    });
    this.#running = this.#session.run();
  }

  get closed(): Promise<void> {
    return this.#wire.closed;
  }

  /** False when the client left, or did not open all its streams within thirty seconds: the session is closed then. */
  async opened(clock: Clock): Promise<boolean> {
    const complete = new Promise<boolean>((resolve) => {
      this.#allOpen = () => resolve(true);
    });
    const late = new Promise<boolean>((resolve) => {
      const timer = clock.setTimer(CREATION_TIMEOUT_MS, () => resolve(false));
      const done = (): void => {
        timer.cancel();
        resolve(false);
      };
      complete.then(done, done);
      this.#running.then(done, done);
    });
    const isOpen = await Promise.race([complete, late]);
    if (!isOpen) this.close();
    return isOpen;
  }

  /** Their replies have told the client. */
  async open(): Promise<void> {}

  async write(name: "stdout" | "stderr", bytes: Uint8Array): Promise<void> {
    await this.#streams.get(name)?.write(bytes);
  }

  async serve(session: ExecSession): Promise<void> {
    // One that no longer reads must not keep the end from being seen: nobody waits for these.
    Promise.all([this.#readInput(session), this.#readSizes(session)]).catch(() => {});
    await this.#running;
  }

  async finish(status: FinalStatus): Promise<void> {
    const error = this.#streams.get("error");
    const text = this.#statusText(status);
    if (text !== undefined) await error?.write(Buffer.from(text));
    for (const name of ["error", "stdout", "stderr"] satisfies Name[]) await this.#streams.get(name)?.end();
    await this.#session.close();
  }

  close(): void {
    this.#session.close().catch(() => {});
  }

  /** Only the fourth version has a Status; before that an error was its text, and success was silence. */
  #statusText(status: FinalStatus): string | undefined {
    if (this.#protocol === "v4.channel.k8s.io") return JSON.stringify(status);
    return status.status === "Success" ? undefined : status.message;
  }

  async #readInput(session: ExecSession): Promise<void> {
    const stream = this.#streams.get("stdin");
    if (!stream) return;
    for (let bytes = await stream.read(); bytes; bytes = await stream.read())
      // A program that ended, or closed its input, swallows the rest as a closed pipe would.
      await session.stdin?.write(bytes).catch(() => {});
    session.stdin?.end();
  }

  async #readSizes(session: ExecSession): Promise<void> {
    const stream = this.#streams.get("resize");
    if (!stream) return;
    let text = "";
    for (let bytes = await stream.read(); bytes; bytes = await stream.read()) {
      const objects = (text + Buffer.from(bytes).toString("utf8")).split("}");
      text = (objects.pop() ?? "").slice(0, LONGEST_RESIZE);
      for (const object of objects) resizeTerminal(session, `${object}}`);
    }
  }
}

function wantedStreams(protocol: SpdyProtocol, { stdin, stdout, stderr, tty }: StreamRequest): Name[] {
  const resizes = protocol === "v4.channel.k8s.io" || protocol === "v3.channel.k8s.io";
  const wanted: [Name, boolean][] = [
    ["error", true],
    ["stdin", stdin],
    ["stdout", stdout],
    ["stderr", stderr && !tty],
    ["resize", tty && resizes],
  ];
  return wanted.flatMap(([name, isWanted]) => (isWanted ? [name] : []));
}
