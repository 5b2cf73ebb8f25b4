import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Target } from "./raw-client.js";

export interface CrowdOptions {
  target: Target;
  connections: number;
  /** What each sends again and again, never reading what it is answered; absent: nothing. */
  flood?: string;
  /** They hold out so long once all have dialled. */
  holdMs: number;
}

export interface CrowdResult {
  /** Open at the end; the others were refused or reset. */
  held: number;
  turnedAway: number;
}

const DIALS_AT_ONCE = 200;
const MOST_WAITING_BYTES = 1024 * 1024;

/** Clients that open a connection and never send, or send and never read. */
export async function run(options: CrowdOptions): Promise<CrowdResult> {
  const sockets: Socket[] = [];
  let turnedAway = 0;
  const dial = (): Promise<void> =>
    new Promise((resolve) => {
      const { host, port } = options.target;
      const socket = connect({ host, port });
      socket.once("connect", () => {
        if (options.flood !== undefined) flood(socket.pause(), options.flood);
        resolve();
      });
      socket.on("error", () => {});
      socket.once("close", () => {
        turnedAway += 1;
        resolve();
      });
      sockets.push(socket);
    });
  for (let dialled = 0; dialled < options.connections; dialled += DIALS_AT_ONCE)
    await Promise.all(
      Array.from({ length: Math.min(DIALS_AT_ONCE, options.connections - dialled) }, () => dial()),
    );
  await sleep(options.holdMs);
  const result = { held: options.connections - turnedAway, turnedAway };
  for (const socket of sockets) socket.destroy();
  return result;
}

/** As fast as the other side takes it. */
function flood(socket: Socket, text: string): void {
  const bytes = Buffer.from(text.repeat(Math.ceil(16_384 / text.length)));
  const more = (): void => {
    while (socket.writable && socket.writableLength < MOST_WAITING_BYTES) socket.write(bytes);
  };
  socket.on("drain", more);
  more();
}
