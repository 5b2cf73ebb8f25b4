/**
 * Requests that go straight to the pipeline: the API with its discovery, and the health checks that others poll. The rest
 * takes the way through Express, which costs five times as much and is not loaded before it is needed.
 */
export const isHotPath = (url: string): boolean => HOT.test(url);

const HOT = /^\/(api|apis|openapi|version|healthz|livez|readyz)(?:[/?]|$)/;
