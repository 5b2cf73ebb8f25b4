import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, createSecureContext, type SecureContext } from "node:tls";
import { parseAnswer } from "../../machinery/network/preamble.js";
import { ResponseReader } from "./response-reader.js";

/** PEM, as it crosses the pipe between bench processes. */
export interface ClientTls {
  ca: string;
  cert: string;
  key: string;
}

export interface Target {
  host: string;
  port: number;
  /** Absent: plain text. */
  tls?: ClientTls;
  /** A host of the virtual network behind a carrier: the line that says which. One byte comes back before anything else. */
  preamble?: string;
}

export interface RawResponse {
  status: number;
  bodyBytes: number;
  /** Of a failure, its start. */
  text: string;
}

/** Certificates are parsed once, not once a connection. */
export const secureContextOf = ({ tls }: Target): SecureContext | undefined =>
  tls && createSecureContext(tls);

export function openSocket(target: Target, secureContext: SecureContext | undefined): Promise<Socket> {
  const { host, port } = target;
  return new Promise((resolve, reject) => {
    const socket = secureContext
      ? connectTls({ host, port, secureContext, servername: "localhost" }, () => settle())
      : connectTcp({ host, port }, () => settle());
    const settle = (): void => {
      socket.off("error", reject);
      socket.setNoDelay(true);
      if (target.preamble === undefined) resolve(socket);
      else greet(socket, target.preamble, resolve, reject);
    };
    socket.once("error", reject);
  });
}

function greet(
  socket: Socket,
  preamble: string,
  resolve: (socket: Socket) => void,
  reject: (err: Error) => void,
): void {
  socket.on("error", reject);
  socket.once("data", (chunk: Buffer) => {
    socket.off("error", reject).pause();
    if (parseAnswer(chunk[0]) !== "open")
      return reject(new Error(`the carrier answered "${chunk.toString()}"`));
    if (chunk.length > 1) socket.unshift(chunk.subarray(1));
    resolve(socket);
  });
  socket.write(preamble);
}

/**
 * One kept-alive HTTP/1.1 connection, one request at a time. Knows just enough of HTTP to find the end of an answer, so
 * that the load generator costs far less than the server it measures.
 */
export class RawClient {
  readonly #socket: Socket;
  readonly #reader = new ResponseReader();
  #waiting: { resolve: (response: RawResponse) => void; reject: (err: Error) => void } | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
    socket.resume();
    socket.on("error", (err) => this.#fail(err));
    socket.on("close", () => this.#fail(new Error("the server closed the connection")));
  }

  static async connect(target: Target, secureContext = secureContextOf(target)): Promise<RawClient> {
    return new RawClient(await openSocket(target, secureContext));
  }

  send(request: string | Uint8Array): Promise<RawResponse> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) return reject(new Error("the connection is closed"));
      this.#waiting = { resolve, reject };
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#waiting = undefined;
    this.#socket.destroy();
  }

  #onData(chunk: Buffer): void {
    const response = this.#reader.push(chunk);
    if (!response) return;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve(response);
  }

  #fail(err: Error): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(err);
  }
}

export interface RequestTemplate {
  method: string;
  path: string;
  /** `{n}` in here and in the path becomes a number that no other request of the job has. */
  body?: string;
  contentType?: string;
}

/** The bytes of a request, head and body. */
export function requestText(template: RequestTemplate, n: number, { close = false } = {}): string {
  const path = template.path.replaceAll("{n}", String(n));
  const head = `${template.method} ${path} HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\n${close ? "connection: close\r\n" : ""}`;
  if (template.body === undefined) return `${head}\r\n`;
  const body = template.body.replaceAll("{n}", String(n));
  const type = template.contentType ?? "application/json";
  return `${head}content-type: ${type}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}
