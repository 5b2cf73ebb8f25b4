import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** What stays true of a cluster from one `up` to the next; kept as `cluster.json` in its data directory. */
export interface ClusterFile {
  name: string;
  nodes: number;
  /** How many topology zones the nodes are spread over; absent or 0: they have none. */
  zones?: number;
  apiPort: number;
  /** Where sockets and pid files are: inside the data directory unless its path is too long for a socket. */
  runDir: string;
  /** Second number of this cluster's own loopback addresses, 127.C.0.n. */
  loopbackIndex: number;
  /** Host port of the cluster's DNS; 0 when none could be had. */
  dnsPort?: number;
}

/** The paths of one cluster. */
export class ClusterDir {
  readonly path: string;
  constructor(path: string) {
    this.path = resolve(path);
  }
  get file(): string {
    return join(this.path, "cluster.json");
  }
  get kubeconfig(): string {
    return join(this.path, "kubeconfig");
  }
  get pki(): string {
    return join(this.path, "pki");
  }
  get credentials(): string {
    return join(this.path, "credentials");
  }
  /** Faults that are injected and not healed. */
  get faultJournal(): string {
    return join(this.path, "faults.json");
  }
  get tokenFile(): string {
    return join(this.path, "cluster-token");
  }
  log(name: string): string {
    return join(this.path, "logs", `${name}.log`);
  }
  /** Undefined when no cluster was ever made here. */
  read(): ClusterFile | undefined {
    try {
      return JSON.parse(readFileSync(this.file, "utf8")) as ClusterFile;
    } catch {
      return undefined;
    }
  }
  write(cluster: ClusterFile): void {
    writeFileSync(this.file, `${JSON.stringify(cluster, undefined, 2)}\n`, { mode: 0o600 });
  }
}

/** A failure the user can mend: printed without a stack. `exitCode` as DESIGN's contract. */
export class UserError extends Error {
  override readonly name = "UserError";
  readonly exitCode: number;
  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

const NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

export function defaultDataDir(name: string): string {
  if (!NAME.test(name)) throw new UserError(`invalid cluster name "${name}": must be a DNS label`, 2);
  return join(homedir(), ".kubesim", name);
}

const LONGEST_SOCKET_PATH_BYTES = 100;

/** Makes the folders, or says why the path cannot be a data directory. */
export function prepareDataDir(dir: ClusterDir): void {
  if (existsSync(dir.path) && !statSync(dir.path).isDirectory()) {
    throw new UserError(`data directory ${dir.path} is a file`);
  }
  try {
    mkdirSync(dir.path, { recursive: true, mode: 0o700 });
    mkdirSync(join(dir.path, "logs"), { recursive: true });
    mkdirSync(dir.credentials, { recursive: true, mode: 0o700 });
  } catch (err) {
    throw new UserError(`data directory ${dir.path} cannot be made: ${causeOf(err, dir.path)}`);
  }
  if (!existsSync(dir.tokenFile))
    writeFileSync(dir.tokenFile, randomBytes(16).toString("hex"), { mode: 0o600 });
}

/** Node.js says "no such file" of a recursive mkdir on a read-only file system; a plain one knows better. */
function causeOf(err: unknown, path: string): string {
  try {
    mkdirSync(existsSync(path) ? join(path, "logs") : path);
  } catch (plain) {
    if ((plain as NodeJS.ErrnoException).code === "EROFS") return (plain as Error).message;
  }
  return (err as Error).message;
}

/** Socket paths are limited to about a hundred bytes; longer ones move to a private temporary directory. */
export function chooseRunDir(dir: ClusterDir, earlier: string | undefined): string {
  const inside = join(dir.path, "run");
  const fits = Buffer.byteLength(join(inside, "controllers.carrier.sock")) <= LONGEST_SOCKET_PATH_BYTES;
  if (fits) {
    mkdirSync(inside, { recursive: true, mode: 0o700 });
    return inside;
  }
  if (earlier && earlier !== inside && existsSync(earlier)) return earlier;
  return mkdtempSync(join(tmpdir(), "kubesim-"));
}

/** 1 to 250, the same for a name on every machine; 127.0.x.x stays free. */
export const loopbackIndexOf = (name: string): number =>
  1 + (createHash("sha256").update(name).digest().readUInt16BE(0) % 250);
