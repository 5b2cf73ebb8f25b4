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

/** `ip addr`, `ip route`: what a pod's usual interface looks like. */
export async function ip(process: Process): Promise<number> {
  const address = process.network.ip;
  const command = process.argv.slice(1).find((arg) => !arg.startsWith("-")) ?? "addr";
  const gateway = `${address.split(".").slice(0, 3).join(".")}.1`;
  if ("route".startsWith(command)) {
    await process.stdout.write(
      `default via ${gateway} dev eth0 \n${address.split(".").slice(0, 3).join(".")}.0/24 dev eth0 scope link  src ${address} \n`,
    );
    return 0;
  }
  await process.stdout.write(
    `1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue qlen 1000\n    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n    inet 127.0.0.1/8 scope host lo\n       valid_lft forever preferred_lft forever\n` +
      `2: eth0@if7: <BROADCAST,MULTICAST,UP,LOWER_UP,M-DOWN> mtu 1500 qdisc noqueue \n    link/ether ${hardwareAddress(address)} brd ff:ff:ff:ff:ff:ff\n    inet ${address}/24 brd ${address.split(".").slice(0, 3).join(".")}.255 scope global eth0\n       valid_lft forever preferred_lft forever\n`,
  );
  return 0;
}

export async function ifconfig(process: Process): Promise<number> {
  const address = process.network.ip;
  await process.stdout.write(
    `eth0      Link encap:Ethernet  HWaddr ${hardwareAddress(address).toUpperCase()}  \n          inet addr:${address}  Bcast:${address.split(".").slice(0, 3).join(".")}.255  Mask:255.255.255.0\n          UP BROADCAST RUNNING MULTICAST  MTU:1500  Metric:1\n\n` +
      "lo        Link encap:Local Loopback  \n          inet addr:127.0.0.1  Mask:255.0.0.0\n          UP LOOPBACK RUNNING  MTU:65536  Metric:1\n\n",
  );
  return 0;
}

const hardwareAddress = (address: string): string =>
  ["0a", "58", ...address.split(".").map((part) => Number(part).toString(16).padStart(2, "0"))].join(":");

export async function clear(process: Process): Promise<number> {
  await process.stdout.write("\x1b[H\x1b[J");
  return 0;
}
