/** One member of an archive. */
export interface TarEntry {
  name: string;
  kind: "file" | "directory" | "other";
  mode: number;
  modifiedAtMs: number;
  content: Uint8Array;
}

const BLOCK_BYTES = 512;

const octal = (value: number, width: number): string =>
  `${Math.floor(value)
    .toString(8)
    .padStart(width - 1, "0")}\0`;

/** A member in ustar form; a name that is too long gets GNU's long-name member in front. */
export function encodeTarEntry(entry: TarEntry): Uint8Array {
  const name = entry.kind === "directory" && !entry.name.endsWith("/") ? `${entry.name}/` : entry.name;
  const bytes = Buffer.from(name, "utf8");
  if (bytes.length <= 100) return member(bytes, entry, entry.kind === "directory" ? "5" : "0", entry.content);
  const long = Buffer.concat([bytes, Buffer.of(0)]);
  return Buffer.concat([
    member(Buffer.from("././@LongLink"), entry, "L", long),
    member(bytes.subarray(0, 100), entry, entry.kind === "directory" ? "5" : "0", entry.content),
  ]);
}

export const TAR_END = new Uint8Array(BLOCK_BYTES * 2);

function member(name: Uint8Array, entry: TarEntry, type: string, content: Uint8Array): Uint8Array {
  const header = Buffer.alloc(BLOCK_BYTES);
  header.set(name, 0);
  header.write(octal(entry.mode & 0o7777, 8), 100, "latin1");
  header.write(octal(0, 8) + octal(0, 8), 108, "latin1");
  header.write(octal(content.length, 12) + octal(entry.modifiedAtMs / 1000, 12), 124, "latin1");
  header.write(`        ${type}`, 148, "latin1");
  header.write("ustar\x0000root", 257, "latin1");
  header.write("root", 297, "latin1");
  header.write(`${checksum(header).toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  const padding = Buffer.alloc((BLOCK_BYTES - (content.length % BLOCK_BYTES)) % BLOCK_BYTES);
  return Buffer.concat([header, content, padding]);
}

const checksum = (header: Uint8Array): number => header.reduce((sum, byte) => sum + byte, 0);

/** The members of an archive: ustar, GNU long names, pax paths. Throws RangeError for what is no archive. */
export function* decodeTar(archive: Uint8Array): Generator<TarEntry> {
  let longName: string | undefined;
  for (let at = 0; at + BLOCK_BYTES <= archive.length; ) {
    const header = archive.subarray(at, at + BLOCK_BYTES);
    if (header.every((byte) => byte === 0)) return;
    verify(header);
    const size = numberAt(header, 124, 12);
    const content = archive.subarray(at + BLOCK_BYTES, at + BLOCK_BYTES + size);
    if (content.length < size) throw new RangeError("short read");
    at += BLOCK_BYTES + Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
    const type = String.fromCharCode(header[156] ?? 0);
    if (type === "L") longName = textAt(content, 0, content.length);
    else if (type === "x") longName = paxPath(content) ?? longName;
    else if (type !== "g") {
      const prefix = textAt(header, 345, 155);
      const short = textAt(header, 0, 100);
      const kind = type === "5" ? "directory" : type === "0" || type === "\0" ? "file" : "other";
      const mode = numberAt(header, 100, 8);
      const modifiedAtMs = numberAt(header, 136, 12) * 1000;
      yield { name: longName ?? (prefix ? `${prefix}/${short}` : short), kind, mode, modifiedAtMs, content };
      longName = undefined;
    }
  }
}

function verify(header: Uint8Array): void {
  const blanked = Buffer.from(header);
  blanked.fill(32, 148, 156);
  if (checksum(blanked) !== numberAt(header, 148, 8)) throw new RangeError("invalid tar header checksum");
}

function textAt(bytes: Uint8Array, start: number, length: number): string {
  const end = bytes.indexOf(0, start);
  return Buffer.from(
    bytes.subarray(start, end < 0 ? start + length : Math.min(end, start + length)),
  ).toString("utf8");
}

const numberAt = (header: Uint8Array, start: number, length: number): number =>
  Number.parseInt(textAt(header, start, length).trim() || "0", 8) || 0;

const paxPath = (content: Uint8Array): string | undefined =>
  /^\d+ path=(.*)$/m.exec(Buffer.from(content).toString("utf8"))?.[1];
