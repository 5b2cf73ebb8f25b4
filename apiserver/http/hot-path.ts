/**
 * Requests that go straight to the pipeline: those for objects, which are nearly all, and the health checks that others
 * poll. The rest takes the way through Express, which costs five times as much and is not loaded before it is needed.
 */
export function isHotPath(url: string): boolean {
  if (url.startsWith("/api/v1/")) return true;
  // A group's resources: /apis/apps/v1/deployments. Shorter paths are discovery.
  if (url.startsWith("/apis/")) return RESOURCE_OF_GROUP.test(url);
  return HEALTH.test(url);
}

const RESOURCE_OF_GROUP = /^\/apis\/[^/?]+\/[^/?]+\/[^/?]/;
const HEALTH = /^\/(healthz|livez|readyz)\b/;
