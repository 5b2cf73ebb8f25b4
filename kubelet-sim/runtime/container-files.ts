import type { Mount } from "../container-runtime.js";
import { FileError, type FileStat, type FileSystem, joinPath, parentOf } from "../images/files.js";
import type { OpenFile } from "../images/process.js";
import { toBytes } from "./byte-queue.js";
import { contentOf, type FileNode, FileTree, newDirectory, newFile, writeNode } from "./file-tree.js";
import { MemoryVolume } from "./pod-volume.js";
import { RegularFile } from "./regular-file.js";

const LIMIT_BYTES = 64 * 1024 * 1024;
const LONGEST_LINK_CHAIN = 16;

interface Place {
  /** Searched in order; the first takes writes. */
  layers: readonly FileTree[];
  path: string;
  readOnly: boolean;
  removed: Set<string> | undefined;
}

interface MountPoint {
  path: string;
  volume: MemoryVolume;
  prefix: string;
  readOnly: boolean;
}

/** The image's files below, the sandbox's in between, what was written on top, volumes beside. */
export class ContainerFiles implements FileSystem {
  readonly #layers: readonly FileTree[];
  readonly #mounts: readonly MountPoint[];
  readonly #now: () => number;
  #removed: Set<string> | undefined;

  constructor(lower: readonly FileTree[], mounts: readonly Mount[], now: () => number) {
    this.#layers = [new FileTree(), ...lower];
    this.#now = now;
    this.#mounts = mounts.map(toMountPoint).sort((a, b) => b.path.length - a.path.length);
  }

  get mountPoints(): readonly string[] {
    return this.#mounts.map((mount) => mount.path);
  }

  stat(path: string): FileStat | undefined {
    const node = this.#follow(path);
    if (!node) return undefined;
    const { kind, mode, sizeBytes, modifiedAtMs } = node;
    return { kind, mode, sizeBytes, modifiedAtMs, ...(node.target ? { target: node.target } : {}) };
  }

  readFile(path: string): Uint8Array {
    const node = this.#existing(path);
    if (node.kind === "directory") throw new FileError("EISDIR");
    return contentOf(node);
  }

  readText(path: string): string {
    return Buffer.from(this.readFile(path)).toString("utf8");
  }

  writeFile(
    path: string,
    content: Uint8Array | string,
    options: { append?: boolean; mode?: number } = {},
  ): void {
    const node = this.#writable(path, !options.append);
    writeNode(node, toBytes(content), node.sizeBytes, LIMIT_BYTES);
    if (options.mode !== undefined) node.mode = options.mode;
  }

  openFile(path: string, mode: "read" | "write" | "append"): OpenFile {
    const node = mode === "read" ? this.#existing(path) : this.#writable(path, mode === "write");
    if (node.kind === "directory") throw new FileError("EISDIR");
    return new RegularFile({ node, offset: 0, mode, limitBytes: LIMIT_BYTES, now: this.#now });
  }

  list(path: string): string[] {
    const node = this.#existing(path);
    if (node.kind !== "directory") throw new FileError("ENOTDIR");
    const place = this.#place(path);
    const names = new Set<string>();
    for (const layer of place.layers) {
      for (const name of layer.children(place.path)) {
        if (!place.removed?.has(joinPath(place.path, name))) names.add(name);
      }
    }
    for (const mount of this.#mounts) {
      const below = path === "/" ? mount.path.slice(1) : mount.path.slice(path.length + 1);
      if (below && (path === "/" || mount.path.startsWith(`${path}/`))) names.add(below.split("/")[0] ?? "");
    }
    return [...names].sort();
  }

  makeDirectory(path: string, options: { parents?: boolean } = {}): void {
    if (this.#node(path)) {
      if (options.parents && this.#existing(path).kind === "directory") return;
      throw new FileError("EEXIST");
    }
    const parent = parentOf(path);
    if (options.parents && !this.#node(parent)) this.makeDirectory(parent, options);
    if (this.#existing(parent).kind !== "directory") throw new FileError("ENOTDIR");
    if (this.#place(path).layers[0]?.isFull()) throw new FileError("ENOSPC");
    this.#put(path, newDirectory(this.#now()));
  }

  remove(path: string, options: { recursive?: boolean } = {}): void {
    const node = this.#node(path);
    if (!node) throw new FileError("ENOENT");
    if (this.#mounts.some((mount) => mount.path === path)) throw new FileError("EBUSY");
    if (node.kind === "directory") {
      const names = this.list(path);
      if (names.length > 0 && !options.recursive) throw new FileError("ENOTEMPTY");
      for (const name of names) this.remove(joinPath(path, name), options);
    }
    const place = this.#place(path);
    if (place.readOnly) throw new FileError("EROFS");
    place.layers[0]?.nodes.delete(place.path);
    if (place.removed) place.removed.add(place.path);
  }

  rename(from: string, to: string): void {
    const node = this.#existing(from);
    const target = this.stat(to);
    if (target?.kind === "directory" && node.kind !== "directory") throw new FileError("EISDIR");
    if (node.kind === "directory") {
      this.makeDirectory(to, { parents: true });
      for (const name of this.list(from)) this.rename(joinPath(from, name), joinPath(to, name));
    } else {
      this.#put(to, { ...node, bytes: contentOf(node).slice() });
    }
    this.remove(from);
  }

  setMode(path: string, mode: number): void {
    const node = this.#existing(path);
    const place = this.#place(path);
    if (place.readOnly) throw new FileError("EROFS");
    place.layers[0]?.put(place.path, { ...node, mode });
  }

  #existing(path: string): FileNode {
    const node = this.#follow(path);
    if (node) return node;
    const parent = this.#follow(parentOf(path));
    throw new FileError(parent && parent.kind !== "directory" ? "ENOTDIR" : "ENOENT");
  }

  #follow(path: string): FileNode | undefined {
    let at = path;
    for (let i = 0; i < LONGEST_LINK_CHAIN; i++) {
      const node = this.#node(at);
      if (node?.kind !== "link" || node.target === undefined) return node;
      at = joinPath(parentOf(at), node.target);
    }
    return undefined;
  }

  #node(path: string): FileNode | undefined {
    if (path === "/") return ROOT;
    const place = this.#place(path);
    if (place.path === "/") return ROOT;
    if (place.removed?.has(place.path)) return undefined;
    for (const layer of place.layers) {
      const node = layer.get(place.path);
      if (node) return node;
    }
    return this.#mounts.some((mount) => mount.path.startsWith(`${path}/`)) ? ROOT : undefined;
  }

  /** The node of a file that may be written, copied up from a lower layer if need be. */
  #writable(path: string, truncate: boolean): FileNode {
    const current = this.#follow(path);
    if (current?.kind === "directory") throw new FileError("EISDIR");
    const place = this.#place(path);
    if (place.readOnly) throw new FileError("EROFS");
    if (place.layers[0]?.isFull()) throw new FileError("ENOSPC");
    if (!current && this.#existing(parentOf(path)).kind !== "directory") throw new FileError("ENOTDIR");
    const upper = place.layers[0]?.get(place.path);
    if (upper && upper === current && upper.kind === "file") {
      if (truncate) upper.sizeBytes = 0;
      upper.modifiedAtMs = this.#now();
      return upper;
    }
    const content = current && !truncate ? contentOf(current).slice() : new Uint8Array();
    const node = newFile(content, this.#now(), current?.mode ?? 0o644);
    this.#put(path, node);
    return node;
  }

  #put(path: string, node: FileNode): void {
    const place = this.#place(path);
    if (place.readOnly) throw new FileError("EROFS");
    place.layers[0]?.put(place.path, node);
    place.removed?.delete(place.path);
  }

  #place(path: string): Place {
    for (const mount of this.#mounts) {
      if (path !== mount.path && !path.startsWith(`${mount.path}/`)) continue;
      const inner = `${mount.prefix}${path.slice(mount.path.length)}` || "/";
      return { layers: [mount.volume.tree], path: inner, readOnly: mount.readOnly, removed: undefined };
    }
    this.#removed ??= new Set();
    return { layers: this.#layers, path, readOnly: false, removed: this.#removed };
  }
}

const ROOT = newDirectory(0);

function toMountPoint(mount: Mount): MountPoint {
  if (!(mount.volume instanceof MemoryVolume)) throw new TypeError("volume is not of newPodVolume");
  const sub = mount.subPath ? joinPath("/", mount.subPath) : "";
  return {
    path: joinPath("/", mount.path),
    volume: mount.volume,
    prefix: sub === "/" ? "" : sub,
    readOnly: mount.readOnly,
  };
}
