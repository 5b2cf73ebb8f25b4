// Runs before anything is installed, so it is plain JavaScript on Node's own modules: installs and builds what is
// missing or old, then hands over. `npm start`, `npm test`, `npm run demo|bench|build|seeds|checklist` come through here.
import { spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const [goal = "start", ...args] = process.argv.slice(2);

const modifiedMs = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);

function run(command, commandArgs, options = {}) {
  const result = spawnSync(command, commandArgs, { cwd: root, stdio: "inherit", ...options });
  if (result.error) throw result.error;
  if (result.status !== 0) process.exit(result.status ?? 1);
}

/** `npm ci` empties the folder that a link leads to, and that folder belongs to another checkout. */
const isLinked = (path) => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;

/** Installs when node_modules is missing or older than the lock file. A linked one is used as it is. */
function install() {
  if (isLinked(join(root, "node_modules"))) return;
  const lock = join(root, "package-lock.json");
  const installed = join(root, "node_modules", ".package-lock.json");
  if (modifiedMs(installed) >= modifiedMs(lock)) return;
  console.error(
    "Installing dependencies (the SQLite binding is compiled once; this takes about two minutes)…",
  );
  run("npm", ["ci", "--no-audit", "--no-fund", "--include=dev"], { shell: process.platform === "win32" });
  const now = new Date();
  utimesSync(installed, now, now);
}

const SOURCE_FOLDERS = [
  "machinery",
  "apiserver",
  "controllers",
  "kubelet-sim",
  "proxy-sim",
  "cli",
  "chaos",
  "simulation",
  "bench",
  "tests/checklist",
];

function newestSourceMs(folder) {
  let newest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) newest = Math.max(newest, newestSourceMs(path));
    else if (/\.(ts|mjs|json)$/.test(entry.name)) newest = Math.max(newest, statSync(path).mtimeMs);
  }
  return newest;
}

/** Compiles when a source is newer than the last build. */
function build() {
  const stamp = join(root, "dist", ".built");
  const sources = SOURCE_FOLDERS.map((folder) => join(root, folder)).filter((folder) => existsSync(folder));
  const newest = Math.max(
    ...sources.map(newestSourceMs),
    modifiedMs(join(root, "tsconfig.build.json")),
    modifiedMs(join(root, "package-lock.json")),
  );
  if (modifiedMs(stamp) >= newest) return;
  console.error("Building…");
  run(process.execPath, [
    join(root, "node_modules", "typescript", "bin", "tsc"),
    "-p",
    "tsconfig.build.json",
  ]);
  const derive = join(root, "dist", "apiserver", "openapi", "derive.js");
  if (existsSync(derive)) run(process.execPath, [derive]);
  writeFileSync(stamp, "");
}

const JEST = [
  "--experimental-vm-modules",
  "--no-warnings",
  join(root, "node_modules", "jest", "bin", "jest.js"),
];

/** Runs the founding checklist's tests and writes docs/checklist.md from what they came to, failures too. */
function checklist() {
  const folder = mkdtempSync(join(tmpdir(), "kubesim-checklist-"));
  const results = join(folder, "results.json");
  const arguments_ = [...JEST, "--json", `--outputFile=${results}`, "tests/checklist/"];
  const { status } = spawnSync(process.execPath, arguments_, {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
  });
  const writer = join(root, "dist", "tests", "checklist", "write-document.js");
  const written = spawnSync(process.execPath, [writer, results], { cwd: root, stdio: "inherit" });
  rmSync(folder, { recursive: true });
  if (status !== 0 || written.status !== 0) process.exit(1);
}

install();
switch (goal) {
  case "build":
    build();
    break;
  case "test":
    build();
    run(process.execPath, [...JEST, ...args]);
    break;
  case "bench":
    build();
    run(process.execPath, [join(root, "dist", "bench", "main.js"), ...args]);
    break;
  case "checklist":
    build();
    checklist();
    break;
  case "seeds":
    build();
    run(process.execPath, [join(root, "dist", "simulation", "write-seed-table.js")]);
    break;
  case "start":
  case "demo": {
    build();
    const cli = join(root, "dist", "cli", "main.js");
    process.argv = [process.execPath, cli, goal, ...args];
    await import(pathToFileURL(cli).href);
    break;
  }
  default:
    console.error(`bootstrap: unknown goal "${goal}"`);
    process.exit(2);
}
