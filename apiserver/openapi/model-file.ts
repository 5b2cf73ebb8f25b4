import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Derived, deriveModel } from "./derivation.js";
import type { Descriptions, Model } from "./model.js";

/** Raise it when the derivation changes: cached files of another number are not read. */
const DERIVATION = 1;

/** Beside the compiled program, where the build puts them. */
const MODEL_FILE = "kubernetes-model.json";
const DESCRIPTIONS_FILE = "kubernetes-descriptions.json";
const here = dirname(fileURLToPath(import.meta.url));

let model: Model | undefined;
let descriptions: Descriptions | undefined;

/** Schemas of the built-in kinds; read once, a few milliseconds. */
export function loadModel(): Model {
  model ??= load(MODEL_FILE, (derived) => derived.model);
  return model;
}

/** The prose of the API reference: for documents only. */
export function loadDescriptions(): Descriptions {
  descriptions ??= load(DESCRIPTIONS_FILE, (derived) => derived.descriptions);
  return descriptions;
}

/** Derives into the folder of this program, so that it runs without the packages it was derived from. */
export function writeBeside(): void {
  writeFiles(here, derive());
}

/** The built file, else the cached one, else derived now and cached for the next process. */
function load<T>(file: string, pick: (derived: Derived) => T): T {
  const built = join(here, file);
  if (existsSync(built)) return JSON.parse(readFileSync(built, "utf8")) as T;
  const cache = cacheFolder();
  const cached = join(cache, file);
  if (existsSync(cached)) return JSON.parse(readFileSync(cached, "utf8")) as T;
  const derived = derive();
  writeCache(cache, derived);
  return pick(derived);
}

const resolve = createRequire(import.meta.url).resolve;
const packageFolder = (name: string): string => dirname(resolve(`${name}/package.json`));

const derive = (): Derived =>
  deriveModel({
    kubernetesModels: packageFolder("kubernetes-models"),
    apimachinery: packageFolder("@kubernetes-models/apimachinery"),
  });

function cacheFolder(): string {
  const folder = packageFolder("kubernetes-models");
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string };
  return join(dirname(folder), ".cache", "kubesim", `openapi-${version}-${DERIVATION}`);
}

/** Several processes may derive at once: the folder appears whole or not at all. */
function writeCache(folder: string, derived: Derived): void {
  try {
    mkdirSync(dirname(folder), { recursive: true });
    const draft = mkdtempSync(`${folder}-`);
    writeFiles(draft, derived);
    if (existsSync(folder)) rmSync(draft, { recursive: true });
    else renameSync(draft, folder);
  } catch {
    // A read-only installation derives each time, which costs a fraction of a second.
  }
}

function writeFiles(folder: string, { model: schemas, descriptions: texts }: Derived): void {
  writeFileSync(join(folder, MODEL_FILE), JSON.stringify(schemas));
  writeFileSync(join(folder, DESCRIPTIONS_FILE), JSON.stringify(texts));
}
