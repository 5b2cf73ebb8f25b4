import { randomBytes } from "node:crypto";
import type { Secrets } from "../api/rng.js";

/** The system's generator. */
export const systemSecrets = (): Secrets => ({ randomBytes: (length) => randomBytes(length) });

/** A seed nobody chose, for a live process that was given none. */
export const unpredictableSeed = (): number => randomBytes(4).readUInt32LE(0);
