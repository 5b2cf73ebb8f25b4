import type { Program, Signal } from "./process.js";

/** An emulated image: what a Dockerfile says, with programs in place of binaries. */
export interface Image {
  /** Normalised repository names, the usual one first: `docker.io/library/nginx`. */
  repositories: readonly string[];
  sizeBytes: number;
  entrypoint: readonly string[];
  cmd: readonly string[];
  env?: (tag: string) => Readonly<Record<string, string>>;
  workingDir?: string;
  stopSignal?: Signal;
  /** By absolute path. */
  programs: Readonly<Record<string, Program>>;
  /** Text files by absolute path, beside those that every image has. */
  files?: Readonly<Record<string, string>>;
  directories?: readonly string[];
  /** Which tags the registry has. Default: `latest`, usual words, and versions of small numbers. */
  hasTag?: (tag: string) => boolean;
}

const TAG_WORDS =
  /^(latest|stable|mainline|edge|main|glibc|musl|uclibc|alpine|perl|bookworm|bullseye|slim|unstable)$/;
const TAG_VERSION = /^v?(\d+)(\.\d+)*([-.][a-z][a-z0-9.-]*)?$/;

/** A version whose numbers are all below 100 exists; a misspelt one such as `1.161` does not. */
export function isUsualTag(tag: string): boolean {
  if (TAG_WORDS.test(tag)) return true;
  const dash = tag.search(/-[a-z]/);
  const version = dash < 0 ? tag : tag.slice(0, dash);
  if (dash >= 0 && TAG_WORDS.test(version)) return true;
  return (
    TAG_VERSION.test(tag) &&
    version
      .replace(/^v/, "")
      .split(".")
      .every((part) => Number(part) < 100)
  );
}

export interface ImageReference {
  /** `docker.io/library/nginx` */
  repository: string;
  tag: string;
  digest?: string;
  /** `docker.io/library/nginx:latest`, or with the digest in place of the tag. */
  name: string;
}

const PATH_PART = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^[\w][\w.-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** As distribution/reference does: a first part with a dot, a colon or `localhost` is the registry. */
export function parseImageReference(reference: string): ImageReference | undefined {
  const at = reference.indexOf("@");
  const digest = at < 0 ? undefined : reference.slice(at + 1);
  const named = at < 0 ? reference : reference.slice(0, at);
  const colon = named.lastIndexOf(":");
  const tagged = colon > named.lastIndexOf("/");
  const tag = tagged ? named.slice(colon + 1) : "latest";
  const parts = (tagged ? named.slice(0, colon) : named).split("/");
  const first = parts[0] ?? "";
  const hasRegistry = parts.length > 1 && (/[.:]/.test(first) || first === "localhost");
  const path = hasRegistry ? parts.slice(1) : parts;
  if (!path.every((part) => PATH_PART.test(part)) || !TAG.test(tag)) return undefined;
  if (digest !== undefined && !DIGEST.test(digest)) return undefined;
  const registry = hasRegistry ? (first === "index.docker.io" ? "docker.io" : first) : "docker.io";
  const official = registry === "docker.io" && path.length === 1;
  const repository = `${registry}/${official ? "library/" : ""}${path.join("/")}`;
  return digest === undefined
    ? { repository, tag, name: `${repository}:${tag}` }
    : { repository, tag, digest, name: `${repository}@${digest}` };
}
