import { spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { probePort } from "../../cli/supervisor/free-port.js";
import type { Scope } from "../harness/scope.js";
import { until } from "../harness/wait.js";
import { workDir } from "../harness/work-dir.js";

/** HAProxy in front of a port of this machine, as an L7 proxy or one that copies bytes; undefined where it is not installed. */
export async function startHaproxy(
  scope: Scope,
  upstreamPort: number,
  signal: AbortSignal,
  mode: "http" | "tcp" = "http",
): Promise<{ port: number } | undefined> {
  if (spawnSync("haproxy", ["-v"]).status !== 0) return undefined;
  const port = (await probePort(0)) ?? 0;
  const file = join(workDir(scope), "haproxy.cfg");
  writeFileSync(
    file,
    `global
  nbthread 1
defaults
  mode ${mode}
  timeout connect 5s
  timeout client 60s
  timeout server 60s
${mode === "http" ? "  option http-keep-alive\n" : ""}frontend in
  bind 127.0.0.1:${port}
  default_backend out
backend out
${mode === "http" ? "  http-reuse always\n" : ""}  server one 127.0.0.1:${upstreamPort}
`,
  );
  const child = spawn("haproxy", ["-db", "-f", file], { stdio: "ignore" });
  scope.defer(() => void child.kill("SIGKILL"));
  await until(() => answers(port), 20, signal);
  return { port };
}

const answers = (port: number): Promise<true | undefined> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(undefined));
  });
