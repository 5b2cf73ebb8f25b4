import { FileError } from "../images/files.js";
import { type OpenFile, ProcessEnded } from "../images/process.js";
import { toBytes } from "./byte-queue.js";
import { contentOf, type FileNode, writeNode } from "./file-tree.js";

/** An open file description: offset and mode are shared by its duplicates, as in a kernel. */
interface Description {
  node: FileNode;
  offset: number;
  mode: "read" | "write" | "append";
  limitBytes: number;
  now: () => number;
}

export class RegularFile implements OpenFile {
  readonly #description: Description;
  #closed = false;

  constructor(description: Description) {
    this.#description = description;
  }

  async read(limit: number = 64 * 1024): Promise<Uint8Array | undefined> {
    if (this.#closed) throw new ProcessEnded();
    const { node, offset } = this.#description;
    if (offset >= node.sizeBytes) return undefined;
    const bytes = contentOf(node).slice(offset, offset + limit);
    this.#description.offset += bytes.length;
    return bytes;
  }

  unread(bytes: Uint8Array): void {
    this.#description.offset -= bytes.length;
  }

  async write(content: Uint8Array | string): Promise<void> {
    if (this.#closed) throw new ProcessEnded();
    const { node, mode, limitBytes, now } = this.#description;
    if (mode === "read") throw new FileError("EBADF");
    const bytes = toBytes(content);
    if (mode === "append") this.#description.offset = node.sizeBytes;
    writeNode(node, bytes, this.#description.offset, limitBytes);
    node.modifiedAtMs = now();
    this.#description.offset += bytes.length;
  }

  dup(): OpenFile {
    return new RegularFile(this.#description);
  }

  close(): void {
    this.#closed = true;
  }
}
