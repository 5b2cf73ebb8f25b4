import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "@jest/globals";

// The style rules that can be executed: layout, direction of imports, size, banned sources of time and chance.

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const FOLDERS = [
  "machinery",
  "apiserver",
  "controllers",
  "kubelet-sim",
  "proxy-sim",
  "cli",
  "chaos",
  "simulation",
  "tests",
  "bench",
];
const PROCESSES = ["apiserver", "controllers", "kubelet-sim", "proxy-sim", "dashboard"];
/** What a top folder may import besides itself and `machinery`; the composers may import everything. */
const COMPOSERS = new Set(["cli", "chaos", "simulation", "tests", "bench"]);
const LONGEST_FILE_LINES = 500;
const LONGEST_FUNCTION_LINES = 60;

interface Source {
  path: string;
  text: string;
  top: string;
  imports: string[];
}

const isTest = (path: string): boolean => path.endsWith(".test.ts") || path.startsWith("tests/");
const sources: Source[] = FOLDERS.flatMap((folder) => filesBelow(join(root, folder))).map((file) => {
  const path = relative(root, file);
  const text = readFileSync(file, "utf8");
  return { path, text, top: path.split("/")[0] ?? "", imports: importsOf(text) };
});
const product = sources.filter(({ path }) => !isTest(path));

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesBelow(path);
    return entry.name.endsWith(".ts") ? [path] : [];
  });
}

function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1] ?? "");
}

/** Repository path that a relative import means. */
const targetOf = (source: Source, specifier: string): string =>
  normalize(join(dirname(source.path), specifier)).replace(/\.js$/, ".ts");

test("imports go from processes to machinery, never between processes", () => {
  const wrong = product.flatMap((source) =>
    source.imports
      .filter((specifier) => specifier.startsWith("."))
      .map((specifier) => targetOf(source, specifier))
      .filter((target) => !mayImport(source, target))
      .map((target) => `${source.path} imports ${target}`),
  );
  expect(wrong).toEqual([]);
});

function mayImport(source: Source, target: string): boolean {
  const top = target.split("/")[0] ?? "";
  if (COMPOSERS.has(source.top)) return true;
  if (top === source.top && source.top !== "machinery") return true;
  if (source.path.startsWith("machinery/api/")) return target.startsWith("machinery/api/");
  if (source.top === "machinery") return top === "machinery";
  const caches = ["informer", "reflector", "shared-informers", "indexer"].some(
    (name) => target === `machinery/client/${name}.ts`,
  );
  if (source.top === "apiserver" && caches) return false;
  return top === "machinery";
}

test("express stays in the HTTP edge and better-sqlite3 in the storage", () => {
  const wrong = product.filter(
    ({ path, imports }) =>
      (imports.includes("express") && !/^(apiserver\/http|dashboard|bench)\//.test(path)) ||
      (imports.includes("better-sqlite3") && !/^(apiserver\/storage|bench)\//.test(path)),
  );
  expect(wrong.map(({ path }) => path)).toEqual([]);
});

const BANNED: readonly { name: string; pattern: RegExp }[] = [
  { name: "Date.now (take a Clock)", pattern: /\bDate\.now\b/ },
  { name: "new Date() (take a Clock)", pattern: /\bnew Date\(\s*\)/ },
  { name: "performance (take a Clock)", pattern: /\bperformance\.now\b/ },
  { name: "process.hrtime (take a Clock)", pattern: /\bprocess\.hrtime\b/ },
  { name: "setTimeout (take a Clock)", pattern: /(?<![.\w])setTimeout\(/ },
  { name: "setInterval (take a Clock)", pattern: /(?<![.\w])setInterval\(/ },
  { name: "setImmediate (machinery/runtime/turn.ts)", pattern: /(?<![.\w])setImmediate\(/ },
  { name: "node:timers/promises (take a Clock)", pattern: /timers\/promises/ },
  { name: "AbortSignal.timeout (take a Clock)", pattern: /AbortSignal\.timeout/ },
  { name: "Math.random (take an Rng)", pattern: /Math\.random/ },
  { name: "crypto.random (take Secrets)", pattern: /\b(randomBytes|randomUUID|randomInt|getRandomValues)\(/ },
  { name: "process.env (machinery/runtime/host.ts)", pattern: /\bprocess\.env\b/ },
  { name: "process.pid (machinery/runtime/host.ts)", pattern: /\bprocess\.pid\b/ },
  { name: "locale formatting", pattern: /\.toLocale\w*String\(|\bIntl\./ },
];

/** Where the machine itself is touched: the runtime, the wiring, and what never runs on a virtual clock. */
const touchesMachine = (path: string): boolean =>
  path.startsWith("machinery/runtime/") ||
  path.endsWith("/main.ts") ||
  path.startsWith("bench/") ||
  // The contract of Secrets itself, and the token of a new data directory.
  path === "machinery/api/rng.ts" ||
  path === "cli/supervisor/cluster.ts";

test("time, chance and the environment come from the seams only", () => {
  const wrong = product
    .filter(({ path }) => !touchesMachine(path))
    .flatMap(({ path, text }) => {
      const code = withoutComments(text);
      return BANNED.filter(({ pattern }) => pattern.test(code)).map(({ name }) => `${path}: ${name}`);
    });
  expect(wrong).toEqual([]);
});

/** Drops comments, and calls on the seams that share a banned name. */
const withoutComments = (text: string): string =>
  text
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/(^|[^:"'`])\/\/.*$/gm, "$1")
    .replace(/\b(secrets|this\.#secrets|Secrets)\.randomBytes\(/g, "");

test("no file is longer than 500 lines and no function longer than 60", () => {
  const long = product.flatMap(({ path, text }) => {
    const lines = text.split("\n").length - 1;
    return [
      ...(lines > LONGEST_FILE_LINES ? [`${path}: ${lines} lines`] : []),
      ...longFunctions(text).map((found) => `${path}: ${found}`),
    ];
  });
  expect(long).toEqual([]);
});

/** Functions found by the formatter's layout: an opening line, and the closing brace at the same indentation. */
function longFunctions(text: string): string[] {
  const lines = text.split("\n");
  return lines.flatMap((line, start) => {
    const opens =
      /^(\s*)(export )?(default )?(async )?function\b.*\{$/.exec(line) ??
      /^(\s*)((override|async|static|get|set|\*) ?)*#?[a-zA-Z]\w*(<.*>)?\(.*\).*\{$/.exec(line) ??
      /^(\s*)(export )?const \w+.*=> \{$/.exec(line);
    if (!opens || /^\s*(if|for|while|switch|catch|return|else|do|try|describe|test|clusterTest)\b/.test(line))
      return [];
    const indent = opens[1] ?? "";
    const end = lines.findIndex((later, i) => i > start && later.startsWith(`${indent}}`));
    const length = end - start + 1;
    return length > LONGEST_FUNCTION_LINES ? [`${line.trim()} has ${length} lines`] : [];
  });
}

test("there are no default exports, no barrels and no unfinished marks", () => {
  const wrong = product.flatMap(({ path, text }) => [
    ...(/^export default /m.test(text) ? [`${path}: default export`] : []),
    ...(/^export \* from /m.test(text) ? [`${path}: barrel`] : []),
    ...(/\b(TODO|FIXME|XXX)\b/.test(text) ? [`${path}: unfinished mark`] : []),
  ]);
  expect(wrong).toEqual([]);
});

test("imports have no cycles", () => {
  const graph = new Map(
    product.map((source) => [
      source.path,
      valueImportsOf(source.text)
        .filter((specifier) => specifier.startsWith("."))
        .map((specifier) => targetOf(source, specifier)),
    ]),
  );
  expect(findCycle(graph)).toEqual([]);
});

/** Imports that remain at run time: type-only ones are erased, dynamic ones run later. */
const valueImportsOf = (text: string): string[] =>
  [...text.matchAll(/^(?:import|export) (?!type)(?:[^;"]*? from )?"([^"]+)"/gm)].map(
    (match) => match[1] ?? "",
  );

function findCycle(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (node: string): string[] => {
    if (done.has(node)) return [];
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    path.push(node);
    for (const next of graph.get(node) ?? []) {
      const cycle = visit(next);
      if (cycle.length > 0) return cycle;
    }
    path.pop();
    done.add(node);
    return [];
  };
  for (const node of graph.keys()) {
    const cycle = visit(node);
    if (cycle.length > 0) return cycle;
  }
  return [];
}

test("every file of a listed folder is in its list", () => {
  const lists: readonly { folder: string; list: string }[] = [
    { folder: "cli/commands", list: "cli/commands.ts" },
    { folder: "kubelet-sim/images", list: "kubelet-sim/images/images.ts" },
    { folder: "chaos/faults", list: "chaos/faults.ts" },
    { folder: "chaos/checkers", list: "chaos/checkers.ts" },
    { folder: "chaos/workloads", list: "chaos/workloads.ts" },
    { folder: "bench/benchmarks", list: "bench/benchmarks.ts" },
  ];
  const missing = lists
    .filter(({ list }) => existsSync(join(root, list)))
    .flatMap(({ folder, list }) => {
      const reachable = reachableFrom(list);
      return product
        .filter(({ path }) => dirname(path) === folder && !reachable.has(path))
        .map(({ path }) => path);
    });
  expect(missing).toEqual([]);
});

function reachableFrom(start: string): Set<string> {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const seen = new Set<string>();
  const queue = [start];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const source = byPath.get(path);
    for (const specifier of source?.imports ?? []) {
      if (source && specifier.startsWith(".")) queue.push(targetOf(source, specifier));
    }
  }
  return seen;
}

test("documents name only files that exist and never a line of one", () => {
  const wrong = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"]
    .filter((document) => existsSync(join(root, document)))
    .flatMap((document) => {
      const text = readFileSync(join(root, document), "utf8");
      const named = [...text.matchAll(/`([\w.-]+\/[\w./-]*)`/g)].map((match) => match[1] ?? "");
      const missing = named
        .filter((path) => [...FOLDERS, "manifests", "docs", ".ci"].includes(path.split("/")[0] ?? ""))
        .filter((path) => !existsSync(join(root, path)));
      const lineLinks = text.match(/\.ts:\d+/g) ?? [];
      return [...missing, ...lineLinks].map((found) => `${document}: ${found}`);
    });
  expect(wrong).toEqual([]);
});

test("the top folders are the ones of the design", () => {
  const folders = readdirSync(root).filter(
    (name) =>
      statSync(join(root, name)).isDirectory() &&
      !name.startsWith(".") &&
      !["node_modules", "dist", "coverage"].includes(name),
  );
  const known = [...FOLDERS, ...PROCESSES, "manifests", "docs"];
  expect(folders.filter((name) => !known.includes(name))).toEqual([]);
});
