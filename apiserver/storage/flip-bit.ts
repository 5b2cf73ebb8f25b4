import Database from "better-sqlite3";

/**
 * Turns one bit of one stored value over in a file that nobody has open, and leaves its checksum: what a worn disk does.
 * `draw` (0 to 1) chooses value and bit. Throws RangeError when nothing is stored.
 */
export function flipBit(file: string, draw: number): void {
  const db = new Database(file, { timeout: 0, fileMustExist: true });
  try {
    const count = db.prepare<[], { n: number }>("SELECT count(*) AS n FROM revisions").get()?.n ?? 0;
    const place = draw * count;
    const row = db
      .prepare<[number], { revision: number; value: Buffer }>(
        "SELECT revision, value FROM revisions ORDER BY revision LIMIT 1 OFFSET ?",
      )
      .get(Math.min(count - 1, Math.floor(place)));
    if (!row || row.value.length === 0) throw new RangeError("nothing is stored");
    const bit = Math.floor((place % 1) * row.value.length * 8);
    const byte = Math.floor(bit / 8);
    row.value.writeUInt8(row.value.readUInt8(byte) ^ (1 << (bit % 8)), byte);
    db.prepare("UPDATE revisions SET value = ? WHERE revision = ?").run(row.value, row.revision);
  } finally {
    db.close();
  }
}
