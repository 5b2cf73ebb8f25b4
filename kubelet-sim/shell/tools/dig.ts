import type { Answer, RecordType } from "dns-packet";
import { reverseName } from "../../../machinery/dns/names.js";
import { type DnsAnswer, ResolveError } from "../../../machinery/network/resolver.js";
import { searchNames } from "../../../machinery/network/resolv-conf.js";
import type { Process } from "../../images/process.js";
import { recordData } from "../text/dns-records.js";

const VERSION = "9.18.37";
const TYPES = new Set(["A", "AAAA", "SRV", "PTR", "CNAME", "TXT", "NS", "SOA", "MX", "ANY"]);

interface DigOptions {
  name: string;
  type: string;
  server: string | undefined;
  port: number;
  short: boolean;
  search: boolean;
  answerOnly: boolean;
}

/** dig [@server] [-x address] [-p port] name [type] [+short] [+search] [+noall +answer] */
export async function dig(process: Process): Promise<number> {
  const options = parseArguments(process.argv.slice(1));
  const server = await serverAddress(process, options);
  if (server === undefined) {
    await process.stderr.write(`dig: couldn't get address for '${options.server ?? ""}': not found\n`);
    return 10;
  }
  const names = options.search ? searchNames(options.name, process.resolver.configuration) : [options.name];
  let answer: DnsAnswer | undefined;
  let asked = options.name;
  for (const name of names) {
    asked = name;
    answer = await process.resolver.query(name, options.type as RecordType, server);
    if ((answer?.answers ?? []).length > 0) break;
  }
  if (!answer) {
    await process.stdout.write(
      `;; communications error to ${server.ip}#${server.port}: timed out\n;; no servers could be reached\n`,
    );
    return 9;
  }
  await process.stdout.write(options.short ? shortForm(answer) : longForm(process, options, asked, answer));
  return 0;
}

function parseArguments(args: readonly string[]): DigOptions {
  const options: DigOptions = {
    name: ".",
    type: "A",
    server: undefined,
    port: 53,
    short: false,
    search: false,
    answerOnly: false,
  };
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? "";
    if (arg.startsWith("@")) options.server = arg.slice(1);
    else if (arg === "+short") options.short = true;
    else if (arg === "+search") options.search = true;
    else if (arg === "+noall") options.answerOnly = true;
    else if (arg === "-p") options.port = Number(args[++i]);
    else if (arg === "-t") options.type = (args[++i] ?? "A").toUpperCase();
    else if (arg === "-x") {
      options.name = reverseName(args[++i] ?? "");
      options.type = "PTR";
    } else if (arg.startsWith("+") || arg.startsWith("-") || arg === "IN") continue;
    else if (TYPES.has(arg.toUpperCase())) options.type = arg.toUpperCase();
    else options.name = arg;
  }
  return options;
}

async function serverAddress(
  process: Process,
  { server, port }: DigOptions,
): Promise<{ ip: string; port: number } | undefined> {
  if (server === undefined)
    return { ip: process.resolver.configuration.nameservers[0]?.ip ?? "127.0.0.1", port };
  try {
    const [ip = ""] = await process.resolver.lookup(server);
    return { ip, port };
  } catch (err) {
    if (err instanceof ResolveError) return undefined;
    throw err;
  }
}

const shortForm = (answer: DnsAnswer): string =>
  (answer.answers ?? []).map((record) => `${recordData(record)}\n`).join("");

function longForm(process: Process, options: DigOptions, asked: string, answer: DnsAnswer): string {
  const answers = answer.answers ?? [];
  const records = answers.map(recordLine).join("");
  if (options.answerOnly) return records;
  const flags = answer.flags ?? 0;
  const flagNames = [
    "qr",
    ...((flags & 0x400) !== 0 ? ["aa"] : []),
    ...((flags & 0x200) !== 0 ? ["tc"] : []),
    ...((flags & 0x100) !== 0 ? ["rd"] : []),
    ...((flags & 0x80) !== 0 ? ["ra"] : []),
  ];
  const authorities = answer.authorities ?? [];
  const additionals = (answer.additionals ?? []).filter(({ type }) => type !== "OPT");
  const section = (title: string, list: readonly Answer[]): string =>
    list.length === 0 ? "" : `\n;; ${title} SECTION:\n${list.map(recordLine).join("")}`;
  const now = new Date(process.clock.nowMs()).toUTCString();
  return (
    `\n; <<>> DiG ${VERSION} <<>> ${process.argv.slice(1).join(" ")}\n;; global options: +cmd\n;; Got answer:\n` +
    `;; ->>HEADER<<- opcode: QUERY, status: ${answer.rcode}, id: ${answer.id ?? 0}\n` +
    `;; flags: ${flagNames.join(" ")}; QUERY: 1, ANSWER: ${answers.length}, AUTHORITY: ${authorities.length}, ADDITIONAL: ${additionals.length}\n` +
    `\n;; QUESTION SECTION:\n;${asked.replace(/\.$/, "")}.\t\tIN\t${options.type}\n` +
    section("ANSWER", answers) +
    section("AUTHORITY", authorities) +
    section("ADDITIONAL", additionals) +
    `\n;; Query time: 1 msec\n;; SERVER: ${answer.server.ip}#${answer.server.port}(${answer.server.ip}) (UDP)\n;; WHEN: ${now}\n\n`
  );
}

const recordLine = (record: Answer): string => {
  const ttl = "ttl" in record && typeof record.ttl === "number" ? record.ttl : 0;
  return `${record.name}.\t${ttl}\tIN\t${record.type}\t${recordData(record)}\n`;
};
