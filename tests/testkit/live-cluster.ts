import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Writable } from "node:stream";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const CLI = join(root, "dist", "cli", "main.js");

/** What a command printed, and how it ended. */
export interface Ran {
  stdout: string;
  stderr: string;
  code: number;
}

export const haveKubectl = spawnSync("kubectl", ["version", "--client"]).status === 0;

/** Runs a program to its end. Never rejects because of an exit code. */
export function run(
  command: string,
  args: readonly string[],
  options: { env?: Record<string, string>; stdin?: string; timeoutMs?: number } = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, env: { ...process.env, ...options.env } });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    const timer = setTimeout(() => child.kill("SIGKILL"), options.timeoutMs ?? 60_000);
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({
        stdout: Buffer.concat(stdout).toString("utf8"),
        stderr: Buffer.concat(stderr).toString("utf8"),
        code: code ?? -1,
      });
    });
    child.stdin.on("error", () => {});
    child.stdin.end(options.stdin ?? "");
  });
}

/** A program that runs beside the test. */
export interface Background {
  stdin: Writable;
  /** Its exit code; null when a signal ended it. */
  exited: Promise<number | null>;
  /** On both streams, so far. */
  printed(): string;
  /** Waits for output of this form; answers its first group. */
  prints(pattern: RegExp): Promise<string>;
  /** With SIGINT unless told; answers as `exited`. */
  end(signal?: "SIGINT" | "SIGKILL"): Promise<number | null>;
}

/** Real processes in a temporary directory, driven by the built command line and real kubectl. */
export class LiveCluster {
  readonly dataDir: string;
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
    this.dataDir = mkdtempSync(join(tmpdir(), `kubesim-${name}-`));
  }

  /** Started and ready; throws with the log when it does not get ready. */
  static async up(name: string, ...args: string[]): Promise<LiveCluster> {
    const cluster = new LiveCluster(name);
    try {
      await cluster.start(...args);
    } catch (err) {
      await cluster.dispose();
      throw err;
    }
    return cluster;
  }

  async start(...args: string[]): Promise<void> {
    const ran = await this.kubesim("up", "--detach", "--wait", "--api-port", "0", ...args);
    if (ran.code !== 0) throw new Error(`up failed: ${ran.stderr}${ran.stdout}`);
  }

  get kubeconfig(): string {
    return join(this.dataDir, "kubeconfig");
  }

  /** `kubesim up|down|status|reset` on this cluster. */
  kubesim(verb: string, ...args: string[]): Promise<Ran> {
    return run(process.execPath, [CLI, verb, "--name", this.name, "--data-dir", this.dataDir, ...args]);
  }

  /** Any other verb of `kubesim`, with this cluster's kubeconfig. */
  cli(...args: string[]): Promise<Ran> {
    return run(process.execPath, [CLI, ...args], { env: { KUBECONFIG: this.kubeconfig } });
  }

  kubectl(...args: string[]): Promise<Ran> {
    return run("kubectl", args, { env: { KUBECONFIG: this.kubeconfig } });
  }

  kubectlWith(stdin: string, ...args: string[]): Promise<Ran> {
    return run("kubectl", args, { stdin, env: { KUBECONFIG: this.kubeconfig } });
  }

  /** A verb of `kubesim`, or kubectl or another program, that runs until it is told to end. */
  background(command: string, args: readonly string[], env: Record<string, string> = {}): Background {
    const [program, all] = command === "kubesim" ? [process.execPath, [CLI, ...args]] : [command, args];
    const child = spawn(program, all, { env: { ...process.env, ...env, KUBECONFIG: this.kubeconfig } });
    let printed = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => {
        printed += chunk.toString("utf8");
      });
    const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
    return {
      stdin: child.stdin,
      exited,
      printed: () => printed,
      async prints(pattern) {
        await eventually(async () => pattern.test(printed));
        return pattern.exec(printed)?.[1] ?? "";
      },
      async end(signal = "SIGINT") {
        child.kill(signal);
        return exited;
      },
    };
  }

  /** What `status -o json` says. */
  async status(): Promise<{
    server: string;
    supervisor: number;
    hostPorts: { servicePort: string; wanted: string; actual?: string }[];
    processes: { name: string; pid: number; ready: boolean; restarts: number }[];
  }> {
    return JSON.parse((await this.kubesim("status", "-o", "json")).stdout) as never;
  }

  /** The address on this machine that stands for a node port, once something listens there. */
  async nodePortUrl(servicePort: string): Promise<string> {
    let url: string | undefined;
    await eventually(async () => {
      const found = (await this.status()).hostPorts.find(
        (port) => port.servicePort === servicePort && port.wanted.startsWith("127.0.0.1:") && port.actual,
      );
      url = found?.actual && `http://${found.actual}`;
      return url !== undefined;
    });
    return url ?? "";
  }

  async dispose(): Promise<void> {
    await this.kubesim("reset");
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}

/** A command line without quoting. */
export const words = (line: string): string[] => line.split(" ");

const POLL_MS = 50;

/** Asks a real cluster again until it says yes; real processes have no clock that a test could move. */
export async function eventually(holds: () => Promise<boolean>, limitMs = 30_000): Promise<void> {
  const untilMs = Date.now() + limitMs;
  let last: unknown;
  while (Date.now() < untilMs) {
    try {
      if (await holds()) return;
    } catch (err) {
      last = err;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`did not hold within ${limitMs} ms`, { cause: last });
}
