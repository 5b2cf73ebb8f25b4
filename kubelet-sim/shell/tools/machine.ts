import type { Process } from "../../images/process.js";
import { complain, tool } from "../tool.js";

export const id = tool({ flags: "ugGn" }, async (process, options) => {
  const all = "uid=0(root) gid=0(root) groups=0(root),10(wheel)";
  const one = options.has("n") ? "root" : "0";
  await process.stdout.write(`${options.has("u") || options.has("g") ? one : all}\n`);
  return 0;
});

export async function whoami(process: Process): Promise<number> {
  await process.stdout.write("root\n");
  return 0;
}

export const uname = tool({ flags: "asnrvmpio" }, async (process, options) => {
  const release = "6.1.0-kubesim";
  const parts: [string, string][] = [
    ["s", "Linux"],
    ["n", process.hostname],
    ["r", release],
    ["v", "#1 SMP"],
    ["m", "x86_64"],
    ["o", "GNU/Linux"],
  ];
  const chosen = parts.filter(([flag]) => options.has("a") || options.has(flag)).map(([, text]) => text);
  await process.stdout.write(`${chosen.length > 0 ? chosen.join(" ") : "Linux"}\n`);
  return 0;
});

export async function nproc(process: Process): Promise<number> {
  await process.stdout.write("4\n");
  return 0;
}

export async function uptime(process: Process): Promise<number> {
  const time = new Date(process.clock.nowMs()).toISOString().slice(11, 19);
  await process.stdout.write(` ${time} up 0 min,  0 users,  load average: 0.00, 0.00, 0.00\n`);
  return 0;
}

/** ICMP is not part of the virtual network: whether the host is there is asked with a connection instead. */
export async function ping(process: Process): Promise<number> {
  await complain(
    process,
    "permission denied (are you root?): the pod network carries TCP and UDP, try nc -zv host port",
  );
  return 1;
}

export async function clear(process: Process): Promise<number> {
  await process.stdout.write("\x1b[H\x1b[J");
  return 0;
}
