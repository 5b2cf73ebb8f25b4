import type { DnsHandler, DnsRequest } from "../../../machinery/dns/plugins/plugin.js";
import { type DnsReply, emptyReply } from "../../../machinery/dns/reply.js";
import { ActiveFaults } from "../../../machinery/runtime/active-faults.js";
import { FaultParameters } from "../../../machinery/runtime/fault-parameters.js";
import type { FaultPoints } from "../../../machinery/runtime/fault-points.js";
import { isNamed } from "../../../machinery/runtime/glob.js";
import type { Process } from "../process.js";

const ANSWERS = ["nxdomain", "servfail", "random", "truncated"] as const;

interface DnsFault {
  /** Hostnames of the servers' pods; absent means all. */
  pods: ReadonlySet<string> | undefined;
  /** Names, or patterns with `*`, in lower case. */
  names: readonly string[];
  /** In place of the right one. */
  answer: (typeof ANSWERS)[number] | undefined;
  delayMs: number;
}

const TTL_SECONDS = 5;

/** Name servers that answer wrongly, or late. */
export class DnsFaults {
  readonly #active = new ActiveFaults<DnsFault>();

  define(points: FaultPoints): void {
    points.define({
      name: "dns",
      summary: "cluster DNS answers questions for some names wrongly or late",
      inject: (parameters) => this.#active.add(parse(parameters)),
    });
  }

  /** What `server` says to a question that it would answer with `answer`. */
  answer(server: Process, request: DnsRequest, answer: () => ReturnType<DnsHandler>): ReturnType<DnsHandler> {
    if (this.#active.none) return answer();
    const fault = this.#active.find(
      ({ pods, names }) =>
        (pods?.has(server.hostname) ?? true) && names.some((pattern) => isNamed(pattern, request.name)),
    );
    if (!fault) return answer();
    const reply = (): ReturnType<DnsHandler> => wrongReply(fault, server, request) ?? answer();
    return fault.delayMs > 0 ? server.sleep(fault.delayMs).then(reply) : reply();
  }
}

function parse(values: Readonly<Record<string, unknown>>): DnsFault {
  const read = new FaultParameters(values, ["pods", "names", "answer", "delayMs"]);
  return {
    pods: read.texts("pods"),
    names: [...(read.texts("names") ?? ["*"])].map((name) => name.toLowerCase().replace(/\.$/, "")),
    answer: read.oneOf("answer", ANSWERS),
    delayMs: read.number("delayMs"),
  };
}

function wrongReply(fault: DnsFault, server: Process, request: DnsRequest): DnsReply | undefined {
  switch (fault.answer) {
    case "nxdomain":
      return emptyReply("NXDOMAIN", true);
    case "servfail":
      return { ...emptyReply("SERVFAIL"), problem: "injected by a fault" };
    case "truncated":
      return request.protocol === "udp" ? { ...emptyReply("NOERROR", true), truncated: true } : undefined;
    case "random":
      return randomReply(server, request);
    case undefined:
      return undefined;
  }
}

/** An address out of the blue for whoever asks for one; other questions are answered as ever. */
function randomReply({ rng }: Process, { question }: DnsRequest): DnsReply | undefined {
  const word = (): number => rng.int(1, 0xfffe);
  if (question.type !== "A" && question.type !== "AAAA") return undefined;
  const data =
    question.type === "A"
      ? `10.${rng.int(0, 255)}.${rng.int(0, 255)}.${rng.int(1, 254)}`
      : `fd00:${word().toString(16)}::${word().toString(16)}`;
  const answer = { type: question.type, name: question.name, ttl: TTL_SECONDS, class: "IN", data } as const;
  return { ...emptyReply("NOERROR", true), answers: [answer] };
}
