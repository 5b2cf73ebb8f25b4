import { createSocket } from "node:dgram";
import { encode } from "dns-packet";

export interface QueriesOptions {
  port: number;
  name: string;
  /** Questions under way at once. */
  clients: number;
  warmUpMs: number;
  durationMs: number;
}

export interface QueriesResult {
  perSecond: number;
  /** Questions that got no answer in time and were sent again. */
  lost: number;
  /** Answers without an address, where one was expected. */
  wrong: number;
}

const RESEND_MS = 250;
const ANSWERS_AT = 6;

/** Asks one name over UDP as fast as it is answered, on one socket. */
export async function run({
  port,
  name,
  clients,
  warmUpMs,
  durationMs,
}: QueriesOptions): Promise<QueriesResult> {
  const question = encode({ type: "query", id: 0, flags: 0x100, questions: [{ type: "A", name }] });
  const socket = createSocket("udp4");
  const sentAtMs = new Float64Array(clients);
  const counts = { answered: 0, lost: 0, wrong: 0 };
  let counting = false;
  const ask = (id: number): void => {
    question.writeUInt16BE(id, 0);
    sentAtMs[id] = performance.now();
    // A copy: the socket may still hold the bytes when the next question is written.
    socket.send(Uint8Array.from(question), port, "127.0.0.1");
  };
  socket.on("message", (answer) => {
    const id = answer.readUInt16BE(0);
    if (id >= clients) return;
    if (counting) counts.answered += 1;
    if (answer.length < 12 || answer.readUInt16BE(ANSWERS_AT) === 0) counts.wrong += 1;
    ask(id);
  });
  const resend = setInterval(() => {
    for (const [id, at] of sentAtMs.entries()) {
      if (performance.now() - at < RESEND_MS) continue;
      counts.lost += 1;
      ask(id);
    }
  }, RESEND_MS);
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  for (let id = 0; id < clients; id++) ask(id);
  await passed(warmUpMs);
  counting = true;
  const startedMs = performance.now();
  await passed(durationMs);
  const perSecond = (counts.answered / (performance.now() - startedMs)) * 1000;
  clearInterval(resend);
  socket.close();
  return { perSecond, lost: counts.lost, wrong: counts.wrong };
}

const passed = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
