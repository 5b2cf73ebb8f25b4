import { silentLogger } from "../../machinery/api/logger.js";
import type { Transport } from "../../machinery/api/http.js";
import { connectionPair } from "../../machinery/network/memory-pipe.js";
import { ConnectionError } from "../../machinery/network/network.js";
import type { Uplink } from "../../machinery/network/uplink.js";
import { VirtualNetwork } from "../../machinery/network/virtual-network.js";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import { SimulationScheduler } from "../../simulation/scheduler.js";
import { VirtualClock } from "../../simulation/virtual-clock.js";
import type {
  Container,
  ContainerConfig,
  ContainerRuntime,
  ExecSession,
  ExitStatus,
  Sandbox,
} from "../../kubelet-sim/container-runtime.js";
import { createRuntime, type RuntimeOptions } from "../../kubelet-sim/runtime/runtime.js";

export interface PodOptions extends Partial<Omit<ContainerConfig, "image">> {
  image?: string;
  resolvConf?: string;
  hostAliases?: { ip: string; hostnames: string[] }[];
}

/** Pods of one node on a virtual clock; hosts reach each other directly, there are no Services. */
export class TestPods {
  readonly clock = new VirtualClock();
  readonly scheduler = new SimulationScheduler(this.clock);
  readonly network: VirtualNetwork;
  readonly runtime: ContainerRuntime;
  #podCount = 0;

  constructor(options: Partial<RuntimeOptions> & { apiAccess?: (token: string) => Transport } = {}) {
    const { clock } = this;
    const uplink: Uplink = {
      dial: async (from, to) => {
        await clock.sleep(1);
        const ends = { near: { local: from, remote: to }, far: { local: to, remote: from } };
        const [near, far] = connectionPair({ clock, ...ends });
        const outcome = this.network.acceptConnection(from, to, () => far);
        if (outcome === "open") return near;
        throw new ConnectionError(outcome);
      },
      sendDatagram: (from, to, bytes) => {
        clock.setTimer(1, () => this.network.acceptDatagram(from, to, bytes));
      },
    };
    this.network = new VirtualNetwork({ clock, rng: seededRng("network"), uplink });
    this.runtime = createRuntime({
      nodeName: "node-1",
      nodeIPs: ["172.18.0.3"],
      podCIDRs: ["10.244.0.0/24"],
      network: this.network,
      clock,
      rng: seededRng("runtime"),
      logger: silentLogger,
      ...options,
    });
  }

  /** Creates a pod of one container, without starting it. */
  async create(options: PodOptions = {}): Promise<{ sandbox: Sandbox; container: Container }> {
    const { image = "busybox:1.36", resolvConf = "", hostAliases = [], ...config } = options;
    const name = `pod-${this.#podCount++}`;
    const sandbox = await this.runtime.runSandbox({
      podUid: name,
      namespace: "default",
      name,
      hostname: name,
      hostNetwork: false,
      resolvConf,
      hostAliases,
    });
    const pulled = await this.until(this.runtime.pullImage(image));
    const container = sandbox.createContainer({
      name: "main",
      image: pulled,
      command: [],
      args: [],
      env: [],
      mounts: [],
      stdin: false,
      stdinOnce: false,
      tty: false,
      attempt: 0,
      ...config,
    });
    return { sandbox, container };
  }

  async start(options: PodOptions = {}): Promise<{ sandbox: Sandbox; container: Container }> {
    const pod = await this.create(options);
    await this.until(pod.container.start());
    return pod;
  }

  /** Runs a script in a busybox pod to its end. */
  async sh(
    script: string,
    options: PodOptions = {},
  ): Promise<{ stdout: string; stderr: string; exit: ExitStatus }> {
    const { container } = await this.start({ ...options, command: ["sh", "-c", script] });
    const exit = await this.until(container.exited);
    return { ...(await this.output(container)), exit };
  }

  async exec(
    container: Container,
    command: string[],
    input?: string,
  ): Promise<{ stdout: string; stderr: string; exitCode: number }> {
    const session = await container.exec({ command, stdin: input !== undefined, tty: false });
    return this.until(this.#converse(session, input));
  }

  async output(container: Container): Promise<{ stdout: string; stderr: string }> {
    const texts = { stdout: "", stderr: "" };
    const options = { follow: false, signal: new AbortController().signal };
    for await (const line of container.log.read(options)) {
      texts[line.stream] += Buffer.from(line.text).toString("utf8") + (line.complete ? "\n" : "");
    }
    return texts;
  }

  /** Steps the clock until the promise is settled. */
  until<T>(promise: Promise<T>): Promise<T> {
    return this.scheduler.settle(promise);
  }

  async #converse(
    session: ExecSession,
    input: string | undefined,
  ): Promise<{ stdout: string; stderr: string; exitCode: number }> {
    const outputs = Promise.all([textOf(session.stdout), textOf(session.stderr)]);
    if (input !== undefined) await session.stdin?.write(Buffer.from(input));
    session.stdin?.end();
    const [stdout, stderr] = await outputs;
    return { stdout, stderr, exitCode: await session.exited };
  }
}

export async function textOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all).toString("utf8");
}
