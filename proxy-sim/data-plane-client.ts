import type { Clock } from "../machinery/api/clock.js";
import { adminCall, adminStream } from "../machinery/runtime/admin-server.js";
import type { DataPlaneApi, DataPlaneBoot, ProgramResult } from "./dataplane/table.js";

const RETRY_MS = 50;

/** A data plane in another process, through its admin socket. */
export function dataPlaneClient(adminSocket: string, clock: Clock): DataPlaneApi {
  return {
    program: async (transaction, signal) =>
      (await adminCall(adminSocket, "POST", "/program", transaction, signal)) as ProgramResult,
    async *boots(signal) {
      while (!signal.aborted) {
        // The stream lasts as long as the process: its end is the news.
        try {
          for await (const boot of adminStream(adminSocket, "/boot", signal)) yield boot as DataPlaneBoot;
        } catch {
          // Not there (yet); the next attempt tells.
        }
        await clock.sleep(RETRY_MS, signal).catch(() => {});
      }
    },
  };
}
