import { createServer } from "node:net";
import { UserError } from "./cluster.js";

/** Whether the port can be bound on 127.0.0.1 now; answers the port that was bound (for 0, a free one). */
export function probePort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      const bound = typeof address === "object" && address ? address.port : undefined;
      server.close(() => resolve(bound));
    });
  });
}

const USUAL_API_PORT = 6443;

/** The asked port (an error when it is taken), else the one this cluster had, else 6443, else any. */
export async function chooseApiPort(asked: number | undefined, earlier: number | undefined): Promise<number> {
  if (asked) {
    if ((await probePort(asked)) === undefined) {
      throw new UserError(`listen tcp 127.0.0.1:${asked}: bind: address already in use`);
    }
    return asked;
  }
  const wishes = asked === 0 ? [earlier] : [earlier, USUAL_API_PORT];
  for (const wish of wishes) {
    if (wish && (await probePort(wish)) !== undefined) return wish;
  }
  const free = await probePort(0);
  if (free === undefined) throw new UserError("no free port on 127.0.0.1");
  return free;
}

const USUAL_DNS_PORT = 10_053;

/** A host port for the cluster's DNS: the one it had, else 10053, else any; 0 when none can be had. */
export async function chooseDnsPort(earlier: number | undefined): Promise<number> {
  for (const wish of [earlier, USUAL_DNS_PORT])
    if (wish && (await probePort(wish)) !== undefined) return wish;
  return (await probePort(0)) ?? 0;
}
