import type { Container, ContainerRuntime, ExecSession } from "../container-runtime.js";

/** Has a shell and every tool; stands for what is installed on the node itself. */
const TOOLS = "docker.io/nicolaka/netshoot:latest";

export interface NodeShellOptions {
  runtime: ContainerRuntime;
  nodeName: string;
  nameservers: readonly string[];
}

export interface ShellRequest {
  /** Empty: an interactive shell. One word is a line for the shell, more are a program and its arguments. */
  command: readonly string[];
  stdin: boolean;
  tty: boolean;
}

/** Programs in the node's own network namespace, as somebody logged in on the node would run them. */
export class NodeShell {
  readonly #options: NodeShellOptions;
  #machine: Promise<Container> | undefined;

  constructor(options: NodeShellOptions) {
    this.#options = options;
  }

  async run({ command, stdin, tty }: ShellRequest): Promise<ExecSession> {
    this.#machine ??= this.#start().catch((err: unknown) => {
      this.#machine = undefined;
      throw err;
    });
    const machine = await this.#machine;
    return machine.exec({ command: shellCommand(command), stdin, tty });
  }

  async #start(): Promise<Container> {
    const { runtime, nodeName, nameservers } = this.#options;
    const image = await runtime.pullImage(TOOLS);
    const sandbox = await runtime.runSandbox({
      podUid: `${nodeName}-shell`,
      namespace: "",
      name: nodeName,
      hostname: nodeName,
      hostNetwork: true,
      resolvConf: nameservers.map((ip) => `nameserver ${ip}\n`).join(""),
      hostAliases: [],
    });
    const container = sandbox.createContainer({
      name: "shell",
      image,
      command: ["sleep", "infinity"],
      args: [],
      env: [],
      mounts: [],
      stdin: false,
      stdinOnce: false,
      tty: false,
      attempt: 0,
    });
    await container.start();
    return container;
  }
}

/** Through the shell, so that a program which is not there is its "not found" and 127, as over ssh. */
function shellCommand(command: readonly string[]): string[] {
  const [first, ...more] = command;
  if (first === undefined) return ["/bin/sh"];
  return more.length === 0 ? ["/bin/sh", "-c", first] : ["/bin/sh", "-c", '"$0" "$@"', ...command];
}
