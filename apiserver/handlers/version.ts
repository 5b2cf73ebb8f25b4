/** The Kubernetes version whose behaviour this server has; `+kubesim` tells people who really answers. */
export const SERVER_VERSION = {
  major: "1",
  minor: "36",
  emulationMajor: "1",
  emulationMinor: "36",
  minCompatibilityMajor: "1",
  minCompatibilityMinor: "35",
  gitVersion: "v1.36.0+kubesim",
  gitCommit: "0000000000000000000000000000000000000000",
  gitTreeState: "clean",
  buildDate: "2026-04-22T00:00:00Z",
  goVersion: "none",
  compiler: "tsc",
  platform: "linux/amd64",
} as const;
