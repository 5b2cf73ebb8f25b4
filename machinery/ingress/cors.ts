import type { RawHeaders } from "../network/http1-writer.js";
import type { Cors } from "./route.js";

/** What an answer says to a browser; nothing when the origin is not one of those allowed. */
export function corsHeaders(cors: Cors, origin: string | undefined): RawHeaders {
  const allowed = cors.origins.includes("*")
    ? "*"
    : cors.origins.find((pattern) => isAllowed(pattern, origin));
  if (allowed === undefined) return [];
  return [
    ["Access-Control-Allow-Origin", allowed === "*" ? "*" : (origin ?? "")],
    ...(cors.credentials ? ([["Access-Control-Allow-Credentials", "true"]] as const) : []),
    ["Access-Control-Allow-Methods", cors.methods],
    ["Access-Control-Allow-Headers", cors.headers],
    ...(cors.exposeHeaders ? ([["Access-Control-Expose-Headers", cors.exposeHeaders]] as const) : []),
  ];
}

/** `https://*.example.com` is one label more. */
function isAllowed(pattern: string, origin: string | undefined): boolean {
  if (origin === undefined) return false;
  const star = pattern.indexOf("*.");
  if (star < 0) return pattern === origin;
  const [before, after] = [pattern.slice(0, star), pattern.slice(star + 1)];
  const middle = origin.slice(before.length, origin.length - after.length);
  return origin.startsWith(before) && origin.endsWith(after) && /^[a-zA-Z0-9-]+$/.test(middle);
}
