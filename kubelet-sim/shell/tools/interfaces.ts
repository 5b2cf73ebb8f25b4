import { addressInCidr } from "../../../machinery/network/addresses.js";
import type { Process } from "../../images/process.js";

const PREFIX = { inet: 24, inet6: 64 } as const;
type Family = keyof typeof PREFIX;

interface Address {
  family: Family;
  ip: string;
  range: string;
}

const addressesOf = (process: Process): Address[] =>
  process.network.ips.map((ip) => {
    const family = ip.includes(":") ? "inet6" : "inet";
    return { family, ip, range: `${ip}/${PREFIX[family]}` };
  });

/** `ip addr`, `ip -6 route`: what a pod's usual interface looks like. */
export async function ip(process: Process): Promise<number> {
  const args = process.argv.slice(1);
  const command = args.find((arg) => !arg.startsWith("-")) ?? "addr";
  const only: Family | undefined = args.includes("-6") ? "inet6" : args.includes("-4") ? "inet" : undefined;
  const addresses = addressesOf(process).filter(({ family }) => only === undefined || family === only);
  const isRoute = "route".startsWith(command);
  // Without -6 the routes are those of IPv4.
  const routed = addresses.filter(({ family }) => only !== undefined || family === "inet");
  await process.stdout.write(isRoute ? routed.map(routes).join("") : links(process.network.ip, addresses));
  return 0;
}

function routes({ family, ip: source, range }: Address): string {
  const [network, gateway] = [addressInCidr(range, 0), addressInCidr(range, 1)];
  const hint = family === "inet" ? ` src ${source}` : "metric 256";
  return `default via ${gateway} dev eth0 \n${network}/${PREFIX[family]} dev eth0 scope link ${hint} \n`;
}

function links(primary: string, addresses: readonly Address[]): string {
  const forever = "       valid_lft forever preferred_lft forever\n";
  const loopback = { inet: "127.0.0.1/8", inet6: "::1/128" };
  const families = [...new Set(addresses.map(({ family }) => family))];
  const lo = families.map((family) => `    ${family} ${loopback[family]} scope host lo\n${forever}`);
  const eth0 = addresses.map(({ family, range }) => {
    const broadcast = family === "inet" ? ` brd ${addressInCidr(range, 255)}` : "";
    return `    ${family} ${range}${broadcast} scope global eth0\n${forever}`;
  });
  return (
    `1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue qlen 1000\n    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n${lo.join("")}` +
    `2: eth0@if7: <BROADCAST,MULTICAST,UP,LOWER_UP,M-DOWN> mtu 1500 qdisc noqueue \n    link/ether ${hardwareAddress(primary)} brd ff:ff:ff:ff:ff:ff\n${eth0.join("")}`
  );
}

export async function ifconfig(process: Process): Promise<number> {
  const inet = addressesOf(process).map(({ family, ip: address, range }) =>
    family === "inet"
      ? `          inet addr:${address}  Bcast:${addressInCidr(range, 255)}  Mask:255.255.255.0\n`
      : `          inet6 addr: ${range} Scope:Global\n`,
  );
  await process.stdout.write(
    `eth0      Link encap:Ethernet  HWaddr ${hardwareAddress(process.network.ip).toUpperCase()}  \n${inet.join("")}          UP BROADCAST RUNNING MULTICAST  MTU:1500  Metric:1\n\n` +
      "lo        Link encap:Local Loopback  \n          inet addr:127.0.0.1  Mask:255.0.0.0\n          UP LOOPBACK RUNNING  MTU:65536  Metric:1\n\n",
  );
  return 0;
}

/** As CNI's bridge makes it, from an IPv4 address. */
const hardwareAddress = (address: string): string =>
  [
    "0a",
    "58",
    ...(address.includes(":") ? "10.244.0.2" : address)
      .split(".")
      .map((part) => Number(part).toString(16).padStart(2, "0")),
  ].join(":");
