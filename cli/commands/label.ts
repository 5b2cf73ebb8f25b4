import { keyValueCommand } from "../objects/key-values.js";

/** `kubesim label TYPE NAME key=value key-`. */
export const labelCommand = keyValueCommand("labels", "labeled", "unlabeled");
