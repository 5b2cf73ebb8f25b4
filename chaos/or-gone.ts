import { isNotFound } from "../machinery/api/status.js";

/** The write's end. An object that is not there, or no longer, is what was wanted of a deletion, and leaves nothing to heal. */
export async function orGone(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (err) {
    if (!isNotFound(err)) throw err;
  }
}
