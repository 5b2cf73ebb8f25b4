import { randomUUID } from "node:crypto";
import { type NewRow, openRows } from "./rows-file.js";

interface Waiting {
  row: NewRow;
  stored: (revision: number) => void;
}

/**
 * The least that a durable create can be: parse the JSON, give it a uid, print it, store it with what else arrived in this
 * turn of the event loop in one transaction, and only then answer.
 */
export function groupCommit(file: string): (body: Buffer, answer: (json: string) => void) => void {
  const rows = openRows(file);
  let queue: Waiting[] = [];
  const flush = (): void => {
    const batch = queue;
    queue = [];
    const last = rows.commit(batch.map(({ row }) => row));
    batch.forEach(({ stored }, i) => stored(last - batch.length + 1 + i));
  };
  return (body, answer) => {
    const object = JSON.parse(body.toString("utf8")) as { metadata: { name: string } };
    const uid = randomUUID();
    const complete = (revision: number): string =>
      JSON.stringify({ ...object, metadata: { ...object.metadata, uid, resourceVersion: String(revision) } });
    const row = {
      key: `/registry/objects/${object.metadata.name}/${uid}`,
      value: Buffer.from(JSON.stringify({ ...object, metadata: { ...object.metadata, uid } })),
    };
    if (queue.length === 0) setImmediate(flush);
    queue.push({ row, stored: (revision) => answer(complete(revision)) });
  };
}
