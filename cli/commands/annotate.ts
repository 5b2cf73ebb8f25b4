import { keyValueCommand } from "../objects/key-values.js";

/** `kubesim annotate TYPE NAME key=value key-`. */
export const annotateCommand = keyValueCommand("annotations", "annotated", "annotated");
