import type { RecordType } from "dns-packet";
import { reverseName } from "../../../machinery/dns/names.js";
import type { DnsAnswer } from "../../../machinery/network/resolver.js";
import { isIp } from "../../../machinery/network/addresses.js";
import { ResolveError } from "../../../machinery/network/resolver.js";
import type { Process } from "../../images/process.js";
import { formatRecord } from "../text/dns-records.js";

interface Query {
  name: string;
  type: RecordType;
}

/** busybox nslookup: names without a dot go through the search list, each name shown. */
export async function nslookup(process: Process): Promise<number> {
  const types: RecordType[] = [];
  const operands: string[] = [];
  let port = 53;
  for (const arg of process.argv.slice(1)) {
    const option = /^-(?:query|querytype|type|q|t)=(.+)$/.exec(arg);
    if (option?.[1]) types.push(option[1].toUpperCase() as RecordType);
    else if (/^-port=\d+$/.test(arg)) port = Number(arg.slice(6));
    else if (!arg.startsWith("-")) operands.push(arg);
  }
  const [host, serverName] = operands;
  if (host === undefined) {
    await process.stderr.write(
      "BusyBox v1.36.1 multi-call binary.\n\nUsage: nslookup [-type=QUERY_TYPE] [-debug] HOST [DNS_SERVER]\n",
    );
    return 1;
  }
  const server = await serverAddress(process, serverName);
  if (server === undefined) {
    await process.stderr.write(`nslookup: bad address '${serverName ?? ""}'\n`);
    return 1;
  }
  await process.stdout.write(`Server:\t\t${server}\nAddress:\t${server}:${port}\n\n`);
  let status = 0;
  for (const query of queriesFor(process, host, types)) {
    const answer = await process.resolver.query(query.name, query.type, { ip: server, port });
    if (!answer) {
      await process.stdout.write(";; connection timed out; no servers could be reached\n\n");
      return 1;
    }
    const text = show(query, answer);
    if (answer.rcode !== "NOERROR") status = 1;
    await process.stdout.write(`${text}\n`);
  }
  return status;
}

async function serverAddress(process: Process, name: string | undefined): Promise<string | undefined> {
  if (name === undefined) return process.resolver.configuration.nameservers[0]?.ip ?? "127.0.0.1";
  try {
    return (await process.resolver.lookup(name))[0];
  } catch (err) {
    if (err instanceof ResolveError) return undefined;
    throw err;
  }
}

function queriesFor(process: Process, host: string, types: readonly RecordType[]): Query[] {
  if (types.length === 0 && isIp(host)) {
    return [{ name: reverseName(host), type: "PTR" }];
  }
  const { search } = process.resolver.configuration;
  const names =
    host.includes(".") || search.length === 0 ? [host] : search.map((domain) => `${host}.${domain}`);
  const wanted: readonly RecordType[] = types.length > 0 ? types : ["A", "AAAA"];
  return wanted.flatMap((type) => names.map((name) => ({ name, type })));
}

function show({ name, type }: Query, answer: DnsAnswer): string {
  if (answer.rcode !== "NOERROR") return `** server can't find ${name}: ${answer.rcode}\n`;
  const answers = answer.answers ?? [];
  const lines = answers.map(formatRecord);
  if (lines.length === 0) return type === "AAAA" ? "" : `*** Can't find ${name}: No answer\n`;
  const authoritative = ((answer.flags ?? 0) & 0x400) !== 0;
  return `${authoritative ? "" : "Non-authoritative answer:\n"}${lines.join("\n")}\n`;
}
