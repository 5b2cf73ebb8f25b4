import { ConnectionError } from "../../machinery/network/network.js";
import { shellPrograms } from "../shell/programs.js";
import { parseDurationMs } from "../shell/tool.js";
import { runNetexec } from "./agnhost-netexec.js";
import { runHttpService } from "./http-service.js";
import type { Image } from "./image.js";
import { runPause } from "./pause.js";
import type { Process, Program } from "./process.js";
import { goFlags, goLogTime, textAnswer } from "./text-answer.js";

export const agnhost: Image = {
  repositories: [
    "registry.k8s.io/e2e-test-images/agnhost",
    "k8s.gcr.io/e2e-test-images/agnhost",
    "gcr.io/k8s-staging-e2e-test-images/agnhost",
  ],
  sizeBytes: 51_106_000,
  entrypoint: ["/agnhost"],
  cmd: ["pause"],
  programs: { ...shellPrograms, "/agnhost": runAgnhost },
};

const subcommands: Readonly<Record<string, Program>> = {
  connect,
  "dns-server-list": (process) => printResolver(process, "nameserver"),
  "dns-suffix": (process) => printResolver(process, "search"),
  "entrypoint-tester": entrypointTester,
  "etc-hosts": printHosts,
  netexec: runNetexec,
  pause: runPause,
  "serve-hostname": serveHostname,
  "test-webserver": serveFiles,
};

async function runAgnhost(process: Process): Promise<number> {
  const name = process.argv[1] ?? "";
  const run = Object.hasOwn(subcommands, name) ? subcommands[name] : undefined;
  if (run) return run(process);
  await process.stderr.write(
    name === "--version"
      ? "agnhost version 2.53\n"
      : `Error: unknown command "${name}" for "app"\nRun 'app --help' for usage.\n`,
  );
  return name === "--version" ? 0 : 1;
}

/** `serve-hostname [--port 9376] [--http] [--tcp] [--udp]` */
async function serveHostname(process: Process): Promise<number> {
  const flags = goFlags(process.argv.slice(2));
  const port = Number(flags.get("port") ?? 9376);
  if (flags.get("udp") === "true") serveUdpHostname(process, port);
  if (flags.get("tcp") === "true") return serveTcpHostname(process, port);
  return runHttpService(process, {
    ports: [port],
    onListening: () =>
      process.background(() =>
        process.stderr.write(`${goLogTime(process.clock.nowMs())} Serving on port ${port}.\n`),
      ),
    handler: () => textAnswer(process.hostname),
    stopOn: { SIGTERM: { how: "fast", exitCode: 0 }, SIGINT: { how: "fast", exitCode: 2 } },
  });
}

function serveTcpHostname(process: Process, port: number): Promise<number> {
  process.network.listen(port, (connection) => {
    process.background(async () => {
      await connection.write(Buffer.from(process.hostname, "utf8"));
      connection.end();
    });
  });
  return new Promise((resolve) => process.onSignal("SIGTERM", () => resolve(0)));
}

function serveUdpHostname(process: Process, port: number): void {
  const socket = process.network.bindUdp(port);
  process.background(async () => {
    for (let datagram = await socket.receive(); datagram; datagram = await socket.receive()) {
      socket.send(datagram.from, Buffer.from(process.hostname, "utf8"));
    }
  });
}

function serveFiles(process: Process): Promise<number> {
  return runHttpService(process, {
    ports: [Number(goFlags(process.argv.slice(2)).get("port") ?? 80)],
    handler: ({ path }) => {
      const file = process.path(path.split("?", 1)[0] ?? "/");
      const stat = process.files.stat(file);
      if (stat?.kind === "file") return textAnswer(process.files.readText(file));
      if (stat?.kind !== "directory") return textAnswer("404 page not found\n", 404);
      const links = process.files.list(file).map((name) => `<a href="${name}">${name}</a>\n`);
      return textAnswer(`<pre>\n${links.join("")}</pre>\n`, 200, {
        "content-type": "text/html; charset=utf-8",
      });
    },
    stopOn: { SIGTERM: { how: "fast", exitCode: 2 } },
  });
}

/** `connect host:port [--timeout 1s]`: prints why it could not. */
async function connect(process: Process): Promise<number> {
  const args = process.argv.slice(2);
  const flags = goFlags(args);
  const target = args.find((arg) => /:\d+$/.test(arg)) ?? "";
  const [host = "", port = "0"] = target.split(":");
  const fail = async (text: string): Promise<number> => {
    await process.stderr.write(`${text}\n`);
    return 1;
  };
  const timeoutMs = parseDurationMs(flags.get("timeout") ?? "0") || 10_000;
  let ip: string | undefined;
  try {
    [ip = ""] = await process.resolver.lookup(host);
    const connection = await process.network.connect({ ip, port: Number(port) }, { timeoutMs });
    connection.end();
    return 0;
  } catch (err) {
    if (!(err instanceof ConnectionError)) return fail("DNS");
    return fail(err.reason === "refused" ? "REFUSED" : err.reason === "timed-out" ? "TIMEOUT" : "OTHER");
  }
}

async function entrypointTester(process: Process): Promise<number> {
  await process.stdout.write(`[${process.argv.join(" ")}]\n`);
  return 0;
}

async function printResolver(process: Process, key: "nameserver" | "search"): Promise<number> {
  const { nameservers, search } = process.resolver.configuration;
  await process.stdout.write(key === "search" ? search.join(",") : nameservers.map(({ ip }) => ip).join(","));
  return runPause(process);
}

async function printHosts(process: Process): Promise<number> {
  await process.stdout.write(process.files.readText("/etc/hosts"));
  return runPause(process);
}
