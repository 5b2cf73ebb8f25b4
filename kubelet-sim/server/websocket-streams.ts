import type { MessageStream } from "../../machinery/api/http.js";
import type { ExecSession } from "../container-runtime.js";
import {
  type FinalStatus,
  type RemoteStreams,
  resizeTerminal,
  type StreamRequest,
} from "./stream-session.js";

/** The subprotocols of exec and attach over a WebSocket, the best first. */
export const WEBSOCKET_PROTOCOLS = ["v5.channel.k8s.io", "v4.channel.k8s.io"] as const;
export type WebSocketProtocol = (typeof WEBSOCKET_PROTOCOLS)[number];

/** The first byte of a message. */
const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;
const LARGEST_FRAME_BYTES = 32 * 1024;

const frame = (channel: number, bytes: Uint8Array): Uint8Array => {
  const message = new Uint8Array(bytes.length + 1);
  message[0] = channel;
  message.set(bytes, 1);
  return message;
};

/** A program's streams as channels of one message stream. */
export class WebSocketStreams implements RemoteStreams {
  readonly #stream: MessageStream;
  readonly #protocol: WebSocketProtocol;

  constructor(stream: MessageStream, protocol: WebSocketProtocol) {
    this.#stream = stream;
    this.#protocol = protocol;
  }

  get closed(): Promise<void> {
    return this.#stream.closed;
  }

  open(request: StreamRequest): Promise<void> {
    return this.#stream.write(new Uint8Array([firstChannel(request)]));
  }

  async write(stream: "stdout" | "stderr", bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += LARGEST_FRAME_BYTES)
      await this.#stream.write(frame(CHANNEL[stream], bytes.subarray(at, at + LARGEST_FRAME_BYTES)));
  }

  async serve(session: ExecSession): Promise<void> {
    for (let message = await this.#stream.read(); message; message = await this.#stream.read()) {
      const body = message.subarray(1);
      switch (message[0]) {
        case CHANNEL.stdin:
          // A program that ended, or closed its input, swallows the rest as a closed pipe would.
          if (body.length > 0) await session.stdin?.write(body).catch(() => {});
          break;
        case CHANNEL.resize:
          resizeTerminal(session, Buffer.from(body).toString("utf8"));
          break;
        case CHANNEL.close:
          if (this.#protocol === "v5.channel.k8s.io" && body[0] === CHANNEL.stdin) session.stdin?.end();
          break;
        default:
          break;
      }
    }
  }

  async finish(status: FinalStatus): Promise<void> {
    await this.#stream.write(frame(CHANNEL.error, Buffer.from(JSON.stringify(status))));
    this.#stream.close(1000);
  }

  close(): void {
    this.#stream.close(1011);
  }
}

const firstChannel = (request: StreamRequest): number =>
  request.stdout ? CHANNEL.stdout : request.stderr && !request.tty ? CHANNEL.stderr : CHANNEL.error;
