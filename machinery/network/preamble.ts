import { timingSafeEqual } from "node:crypto";
import type { Socket } from "node:net";
import type { ConnectionErrorReason, SocketAddress } from "./network.js";

/**
 * The first line on a carrier socket: version, kind, cluster token, and for a stream its two addresses, e.g.
 * `KUBESIM1 stream <token> 10.244.0.5 41952 10.244.1.7 80`. A stream's receiver answers with one byte.
 */
export type Preamble = { kind: "stream"; from: SocketAddress; to: SocketAddress } | { kind: "session" };

const VERSION = "KUBESIM1";
const LONGEST_LINE = 512;
const NEWLINE = 10;

export const streamPreamble = (token: string, from: SocketAddress, to: SocketAddress): string =>
  `${VERSION} stream ${token} ${from.ip} ${from.port} ${to.ip} ${to.port}\n`;

export const sessionPreamble = (token: string): string => `${VERSION} session ${token}\n`;

/** Undefined when the line is of another version, has a wrong token, or is nonsense. */
export function parsePreamble(line: string, token: string): Preamble | undefined {
  const [version, kind, offered = "", fromIp = "", fromPort, toIp = "", toPort] = line.split(" ");
  if (version !== VERSION || !sameToken(offered, token)) return undefined;
  if (kind === "session") return { kind };
  if (kind !== "stream" || !toPort) return undefined;
  return {
    kind,
    from: { ip: fromIp, port: Number(fromPort) },
    to: { ip: toIp, port: Number(toPort) },
  };
}

function sameToken(offered: string, token: string): boolean {
  const a = Buffer.from(offered);
  const b = Buffer.from(token);
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Calls back with the first line; what follows stays in the socket, which is paused. Ends sockets that send none. */
export function readLine(socket: Socket, onLine: (line: string) => void): void {
  let seen: Buffer = Buffer.alloc(0);
  const giveUp = (): void => {
    socket.destroy();
  };
  const onData = (chunk: Buffer): void => {
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const newline = seen.indexOf(NEWLINE);
    if (newline < 0) {
      if (seen.length > LONGEST_LINE) giveUp();
      return;
    }
    socket.off("data", onData).off("end", giveUp).pause();
    if (newline + 1 < seen.length) socket.unshift(seen.subarray(newline + 1));
    onLine(seen.toString("latin1", 0, newline));
  };
  socket.on("data", onData).once("end", giveUp);
}

export type Answer = "open" | Extract<ConnectionErrorReason, "refused" | "unreachable" | "timed-out">;

const ANSWERS: Readonly<Record<Answer, string>> = {
  open: "O",
  refused: "R",
  unreachable: "U",
  "timed-out": "T",
};

/** Anything but `open` also ends the socket. */
export function answer(socket: Socket, outcome: Answer): void {
  if (outcome === "open") socket.write(ANSWERS.open);
  else socket.end(ANSWERS[outcome]);
}

export function parseAnswer(byte: number | undefined): Answer | undefined {
  const letter = byte === undefined ? "" : String.fromCharCode(byte);
  return (Object.keys(ANSWERS) as Answer[]).find((outcome) => ANSWERS[outcome] === letter);
}
