import { FileError, nameOf, parentOf } from "../images/files.js";

export interface FileNode {
  kind: "file" | "directory" | "device" | "link";
  mode: number;
  modifiedAtMs: number;
  /** Of a file: `bytes.subarray(0, sizeBytes)` is the content; the rest is room to grow. */
  bytes: Uint8Array;
  sizeBytes: number;
  target?: string;
}

const EMPTY = new Uint8Array();

export const newFile = (content: Uint8Array, modifiedAtMs: number, mode = 0o644): FileNode => ({
  kind: "file",
  mode,
  modifiedAtMs,
  bytes: content,
  sizeBytes: content.length,
});

export const newDirectory = (modifiedAtMs: number, mode = 0o755): FileNode => ({
  kind: "directory",
  mode,
  modifiedAtMs,
  bytes: EMPTY,
  sizeBytes: 0,
});

/** What one container or volume may hold. */
const LARGEST_TREE_BYTES = 256 * 1024 * 1024;
const MOST_FILES = 20_000;

/** Nodes by absolute path; `/` always exists. */
export class FileTree {
  readonly nodes = new Map<string, FileNode>();
  #untilCount = 0;
  #overweight = false;

  get(path: string): FileNode | undefined {
    return this.nodes.get(path);
  }

  /** Puts a node and the directories above it. */
  put(path: string, node: FileNode): void {
    for (let parent = parentOf(path); parent !== "/"; parent = parentOf(parent)) {
      if (this.nodes.has(parent)) break;
      this.nodes.set(parent, newDirectory(node.modifiedAtMs));
    }
    if (path !== "/") this.nodes.set(path, node);
  }

  children(path: string): string[] {
    const names: string[] = [];
    for (const key of this.nodes.keys()) if (parentOf(key) === path) names.push(nameOf(key));
    return names;
  }

  /** Looked at now and then only, so the bounds are not exact. */
  isFull(): boolean {
    if (this.nodes.size >= MOST_FILES) return true;
    if (this.#untilCount-- > 0) return this.#overweight;
    this.#untilCount = Math.ceil(this.nodes.size / 16);
    let total = 0;
    for (const node of this.nodes.values()) total += node.sizeBytes;
    this.#overweight = total >= LARGEST_TREE_BYTES;
    return this.#overweight;
  }
}

/** Replaces or extends the content of a file node. Throws FileError ENOSPC over `limitBytes`. */
export function writeNode(node: FileNode, content: Uint8Array, offset: number, limitBytes: number): void {
  const end = offset + content.length;
  if (end > limitBytes) throw new FileError("ENOSPC");
  if (end > node.bytes.length || node.bytes === EMPTY) {
    const grown = new Uint8Array(Math.max(end, Math.min(limitBytes, node.sizeBytes * 2)));
    grown.set(node.bytes.subarray(0, node.sizeBytes));
    node.bytes = grown;
  }
  node.bytes.set(content, offset);
  node.sizeBytes = Math.max(node.sizeBytes, end);
}

export const contentOf = (node: FileNode): Uint8Array => node.bytes.subarray(0, node.sizeBytes);
