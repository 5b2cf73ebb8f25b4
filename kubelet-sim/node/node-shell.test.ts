import { afterEach, expect, test } from "@jest/globals";
import { silentLogger } from "../../machinery/api/logger.js";
import { ConnectionError } from "../../machinery/network/network.js";
import { VirtualNetwork } from "../../machinery/network/virtual-network.js";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import { systemClock } from "../../machinery/runtime/system-clock.js";
import type { ContainerRuntime } from "../container-runtime.js";
import { createRuntime } from "../runtime/runtime.js";
import { NodeShell } from "./node-shell.js";
import { ShellSessions } from "./shell-sessions.js";

/** A node's shell waits for ever; the machine's clock would keep the test runner waiting with it. */
const running: ContainerRuntime[] = [];
afterEach(() => {
  for (const runtime of running.splice(0)) runtime.crash();
});

function aNode(): ShellSessions {
  const clock = systemClock();
  const rng = seededRng("node-shell");
  const network = new VirtualNetwork({
    clock,
    rng,
    uplink: { dial: () => Promise.reject(new ConnectionError("refused")), sendDatagram: () => {} },
  });
  const nodeNetwork = network.addHost("172.18.0.3", { hasNodePorts: true });
  const runtime = createRuntime({
    nodeName: "node-1",
    nodeIPs: ["172.18.0.3"],
    podCIDRs: ["10.244.0.0/24"],
    network,
    nodeNetwork,
    clock,
    rng,
    logger: silentLogger,
  });
  running.push(runtime);
  const shell = new NodeShell({ runtime, nodeName: "node-1", nameservers: ["10.96.0.10"] });
  return new ShellSessions((node) => {
    if (node === "node-2") return undefined;
    if (node !== "node-1") throw new RangeError(`no node "${node}" in this process`);
    return shell;
  });
}

/** What a program printed, by channel, and its exit code. */
async function run(sessions: ShellSessions, command: string[], input?: string) {
  const query = new URLSearchParams({ node: "node-1", stdin: String(input !== undefined), tty: "false" });
  for (const word of command) query.append("command", word);
  const output = { 1: "", 2: "", 3: "" };
  for await (const line of await sessions.start(query, new AbortController().signal)) {
    if ("session" in line) {
      if (input === undefined) continue;
      const { session } = line;
      const send = (bytes: Uint8Array) =>
        sessions.input({ session, message: Buffer.from(bytes).toString("base64") });
      await send(Buffer.from(`\0${input}`));
      await send(Uint8Array.of(255, 0));
      continue;
    }
    const message = Buffer.from(line.message, "base64");
    output[message[0] as 1 | 2 | 3] += message.subarray(1).toString();
  }
  const status = JSON.parse(output[3]) as { details?: { causes?: { message: string }[] } };
  return {
    stdout: output[1],
    stderr: output[2],
    exitCode: Number(status.details?.causes?.[0]?.message ?? 0),
  };
}

test("a program on a node has the node's name and address", async () => {
  expect(await run(aNode(), ["hostname"])).toEqual({ stdout: "node-1\n", stderr: "", exitCode: 0 });
  expect((await run(aNode(), ["hostname -i"])).stdout.trim()).toBe("172.18.0.3");
});

test("one word is a line for the shell, more are a program and its arguments", async () => {
  expect((await run(aNode(), ["echo a; exit 3"])).exitCode).toBe(3);
  expect((await run(aNode(), ["echo", "a; exit 3"])).stdout).toBe("a; exit 3\n");
});

test("a program that is not there is the shell's not found, 127", async () => {
  const { stderr, exitCode } = await run(aNode(), ["frobnicate", "-v"]);

  expect(stderr).toContain("frobnicate: not found");
  expect(exitCode).toBe(127);
});

test("a program on a node reads what is typed until its end", async () => {
  expect((await run(aNode(), ["cat"], "typed\n")).stdout).toBe("typed\n");
});

test("a port where nobody listens is refused with curl's exit code 7", async () => {
  expect((await run(aNode(), ["curl", "-s", "http://localhost:30080"])).exitCode).toBe(7);
});

test("a node that is down has no shell, and neither has one that does not exist", async () => {
  const start = (node: string) => aNode().start(new URLSearchParams({ node }), new AbortController().signal);

  await expect(start("node-2")).rejects.toThrow("node node-2 is down");
  await expect(start("node-9")).rejects.toThrow('no node "node-9" in this process');
});
