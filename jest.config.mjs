/** Jest runs the TypeScript sources as ES modules; swc strips the types. */
export default {
  testEnvironment: "node",
  testMatch: ["**/*.test.ts"],
  testPathIgnorePatterns: ["/node_modules/", "/dist/"],
  modulePathIgnorePatterns: ["<rootDir>/dist/"],
  extensionsToTreatAsEsm: [".ts"],
  moduleNameMapper: { "^(\\.{1,2}/.*)\\.js$": "$1" },
  transform: {
    "^.+\\.ts$": [
      "@swc/jest",
      { jsc: { target: "es2023", parser: { syntax: "typescript" } }, module: { type: "es6" } },
    ],
  },
  errorOnDeprecated: true,
  // Two at a time, as CI has two cores; a worker that has grown is replaced, because collecting its garbage takes longer than a
  // start. Simulated clusters on a busy machine need more than the five seconds that are the default.
  maxWorkers: 2,
  workerIdleMemoryLimit: "900MB",
  testTimeout: 30_000,
};
