import type { Answer } from "dns-packet";
import { isInZone } from "../names.js";
import { type DnsReply, emptyReply, type Rcode } from "../reply.js";
import { parseZoneFile } from "../zone-file.js";
import type { DnsPlugin, DnsRequest } from "./plugin.js";

export interface TemplateOptions {
  /** `A`, `AAAA`, …; `ANY` is every type. */
  type: string;
  zones: readonly string[];
  /** One of these must match the name with its dot at the end. */
  patterns: readonly RegExp[];
  /** Lines of a zone file with `{{ .Name }}`, `{{ .Zone }}`, `{{ .Type }}`, `{{ .Group.x }}`, `{{ index .Match 1 }}`. */
  answers: readonly string[];
  additionals: readonly string[];
  authorities: readonly string[];
  rcode: Rcode;
  /** Zones whose names that match no pattern are left to the next plugin; undefined: none. */
  fallthrough: readonly string[] | undefined;
}

// Upstream: coredns plugin/template template.go.
/** Answers made from the name that was asked for. A record that cannot be read is SERVFAIL. */
export function template(options: TemplateOptions): DnsPlugin {
  return (next) => (request) => {
    const { name, question } = request;
    const zone = options.zones.find((own) => isInZone(name, own));
    if (zone === undefined || (options.type !== "ANY" && options.type !== question.type))
      return next(request);
    for (const pattern of options.patterns) {
      const match = pattern.exec(`${name}.`);
      if (match) return { ...filled(options, request, zone, match), by: "template" };
    }
    const falls = options.fallthrough?.some((own) => isInZone(name, own)) ?? false;
    return falls ? next(request) : { ...emptyReply("NXDOMAIN", true), by: "template" };
  };
}

function filled(
  { answers, additionals, authorities, rcode }: TemplateOptions,
  { name, question }: DnsRequest,
  zone: string,
  match: RegExpExecArray,
): DnsReply {
  const values = new Map([
    [".Name", `${name}.`],
    [".Zone", `${zone}.`],
    [".Type", question.type],
    [".Class", "IN"],
    ...Object.entries(match.groups ?? {}).map(([group, value]) => [`.Group.${group}`, value ?? ""] as const),
    ...match.map((value, i) => [`index .Match ${i}`, value ?? ""] as const),
  ]);
  const fill = (line: string): string =>
    line.replace(/\{\{\s*(.*?)\s*\}\}/g, (_, expression: string) => values.get(expression) ?? "");
  try {
    const records = (lines: readonly string[]): Answer[] => parseZoneFile(lines.map(fill).join("\n"));
    return {
      ...emptyReply(rcode, true),
      answers: records(answers),
      additionals: records(additionals),
      authorities: records(authorities),
    };
  } catch (err) {
    return { ...emptyReply("SERVFAIL"), problem: err instanceof Error ? err.message : String(err) };
  }
}
