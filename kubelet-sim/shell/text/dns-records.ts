import type { Answer } from "dns-packet";

/** One record as nslookup shows it. */
export function formatRecord(record: Answer): string {
  switch (record.type) {
    case "A":
    case "AAAA":
      return `Name:\t${record.name}\nAddress: ${record.data}`;
    case "CNAME":
      return `${record.name}\tcanonical name = ${record.data}`;
    case "PTR":
      return `${record.name}\tname = ${record.data}`;
    case "SRV": {
      const { priority = 0, weight = 0, port, target } = record.data;
      return `${record.name}\tservice = ${priority} ${weight} ${port} ${target}`;
    }
    case "TXT":
      return `${record.name}\ttext = ${textData(record.data)}`;
    case "SOA":
      return `${record.name}\n\torigin = ${record.data.mname}\n\tmail addr = ${record.data.rname}`;
    case "NS":
      return `${record.name}\tnameserver = ${record.data}`;
    default:
      return `${(record as { name: string }).name}\t${record.type}`;
  }
}

/** The data column of dig. */
export function recordData(record: Answer): string {
  switch (record.type) {
    case "A":
    case "AAAA":
      return record.data;
    case "CNAME":
    case "PTR":
    case "NS":
      return `${record.data}.`;
    case "SRV": {
      const { priority = 0, weight = 0, port, target } = record.data;
      return `${priority} ${weight} ${port} ${target}.`;
    }
    case "TXT":
      return textData(record.data);
    case "SOA": {
      const { mname, rname, serial, refresh, retry, expire, minimum } = record.data;
      return `${mname}. ${rname}. ${serial} ${refresh} ${retry} ${expire} ${minimum}`;
    }
    default:
      return "";
  }
}

const textData = (data: unknown): string =>
  (Array.isArray(data) ? data : [data])
    .map((piece) => `"${Buffer.from(piece as Uint8Array).toString("utf8")}"`)
    .join(" ");
