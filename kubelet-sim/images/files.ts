import type { OpenFile } from "./process.js";

export type FileErrorCode =
  | "ENOENT"
  | "EISDIR"
  | "ENOTDIR"
  | "EACCES"
  | "EROFS"
  | "EEXIST"
  | "ENOTEMPTY"
  | "ENOSPC"
  | "EBUSY"
  | "EBADF";

const TEXTS: Readonly<Record<FileErrorCode, string>> = {
  ENOENT: "No such file or directory",
  EISDIR: "Is a directory",
  ENOTDIR: "Not a directory",
  EACCES: "Permission denied",
  EROFS: "Read-only file system",
  EEXIST: "File exists",
  ENOTEMPTY: "Directory not empty",
  ENOSPC: "No space left on device",
  EBUSY: "Resource busy",
  EBADF: "Bad file descriptor",
};

/** `message` is strerror's text, for programs to print after a name. */
export class FileError extends Error {
  override readonly name = "FileError";
  readonly code: FileErrorCode;
  constructor(code: FileErrorCode) {
    super(TEXTS[code]);
    this.code = code;
  }
}

export interface FileStat {
  kind: "file" | "directory" | "device" | "link";
  mode: number;
  sizeBytes: number;
  modifiedAtMs: number;
  /** Of a link. */
  target?: string;
}

/** A container's file system: the image's files, what was written over them, and the pod's volumes. Paths are absolute. */
export interface FileSystem {
  /** Follows links. Undefined when nothing is there. */
  stat(path: string): FileStat | undefined;
  /** Throws FileError, as do all below. */
  readFile(path: string): Uint8Array;
  readText(path: string): string;
  writeFile(path: string, content: Uint8Array | string, options?: { append?: boolean; mode?: number }): void;
  /** Names in a directory, sorted. */
  list(path: string): string[];
  makeDirectory(path: string, options?: { parents?: boolean }): void;
  remove(path: string, options?: { recursive?: boolean }): void;
  rename(from: string, to: string): void;
  setMode(path: string, mode: number): void;
  /** Where volumes are mounted. */
  readonly mountPoints: readonly string[];
  openFile(path: string, mode: "read" | "write" | "append"): OpenFile;
}

/** An empty member, `.` or `..`. */
const UNTIDY = /\/\.{0,2}(\/|$)/;

/** Joins and normalises: no `.`, `..`, double or trailing slashes. */
export function joinPath(base: string, path: string): string {
  if (path.startsWith("/") && !UNTIDY.test(path)) return path;
  const parts: string[] = [];
  for (const part of (path.startsWith("/") ? path : `${base}/${path}`).split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

export const parentOf = (path: string): string => path.slice(0, path.lastIndexOf("/")) || "/";
export const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
