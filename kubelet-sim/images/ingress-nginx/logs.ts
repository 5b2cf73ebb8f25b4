import type { Exchange } from "../../../machinery/ingress/exchange.js";
import { toAccessLogTime } from "../http-service.js";
import type { Process } from "../process.js";

/** `I1121 15:04:05.123456       7 store.go:440] text` */
export function klogLine(
  process: Process,
  level: "I" | "W" | "E" | "F",
  source: string,
  text: string,
): string {
  const iso = new Date(process.clock.nowMs()).toISOString();
  const day = `${iso.slice(5, 7)}${iso.slice(8, 10)}`;
  return `${level}${day} ${iso.slice(11, 23)}000 ${String(process.id).padStart(7)} ${source}] ${text}\n`;
}

/** ingress-nginx's `upstreaminfo`. */
export function accessLine(exchange: Exchange, nowMs: number, monotonicMs: number): string {
  const { request, log, requestId, startedAtMs } = exchange;
  const { headers, connection, method, path, httpVersion } = request;
  const seconds = (ms: number): string => (ms / 1000).toFixed(3);
  const list = (value: (attempt: (typeof log.attempts)[number]) => string): string =>
    log.attempts.length === 0 ? "-" : log.attempts.map(value).join(", ");
  const requestBytes =
    method.length +
    path.length +
    12 +
    request.rawHeaders.reduce((sum, [name, value]) => sum + name.length + value.length + 4, 2);
  return [
    `${connection.remote.ip} - - [${toAccessLogTime(nowMs)}]`,
    `"${method} ${path} HTTP/${httpVersion}" ${log.status} ${log.sentBytes}`,
    `"${headers["referer"] ?? "-"}" "${headers["user-agent"] ?? "-"}"`,
    `${requestBytes + Number(headers["content-length"] ?? 0)} ${seconds(monotonicMs - startedAtMs)}`,
    `[${log.upstreamName}] []`,
    `${list(({ address }) => address)} ${list(({ receivedBytes }) => String(receivedBytes))}`,
    `${list(({ tookMs }) => seconds(tookMs))} ${list(({ status }) => String(status))} ${requestId}\n`,
  ].join(" ");
}

const MOST_WAITING_BYTES = 1024 * 1024;

/** Writes lines in as few writes as possible and never makes a request wait; what a full pipe cannot take is lost. */
export class LineWriter {
  readonly #process: Process;
  readonly #to: "stdout" | "stderr";
  #waiting: string[] = [];
  #waitingBytes = 0;
  #isWriting = false;

  constructor(process: Process, to: "stdout" | "stderr") {
    this.#process = process;
    this.#to = to;
  }

  write(line: string): void {
    if (this.#waitingBytes > MOST_WAITING_BYTES) return;
    this.#waiting.push(line);
    this.#waitingBytes += line.length;
    if (this.#isWriting) return;
    this.#isWriting = true;
    this.#process.background(() => this.#run());
  }

  async #run(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const text = this.#waiting.join("");
        this.#waiting = [];
        this.#waitingBytes = 0;
        await this.#process[this.#to].write(text);
      }
    } finally {
      this.#isWriting = false;
    }
  }
}
