import { createHash } from "node:crypto";
import { ImageError, type PulledImage } from "../container-runtime.js";
import { type Image, type ImageReference, isUsualTag, parseImageReference } from "../images/image.js";
import { baseFiles } from "./base-files.js";
import { FileTree, newDirectory, newFile } from "./file-tree.js";

/** The registry of emulated images, as one node pulls from it. */
export class ImageStore {
  readonly #byRepository = new Map<string, Image>();
  readonly #pulled = new Map<string, PulledImage>();
  readonly #references = new Map<string, ImageReference>();
  readonly #trees = new WeakMap<Image, FileTree>();

  constructor(images: readonly Image[]) {
    for (const image of images) {
      for (const repository of image.repositories) this.#byRepository.set(repository, image);
    }
  }

  /** Throws ImageError with containerd's message. */
  pull(reference: string): PulledImage {
    const parsed = parseImageReference(reference);
    if (!parsed) {
      throw new ImageError(
        "InvalidImageName",
        `Failed to apply default image tag "${reference}": couldn't parse image name "${reference}": invalid reference format`,
      );
    }
    const known = this.#pulled.get(parsed.name);
    if (known) return known;
    const image = this.#byRepository.get(parsed.repository);
    if (!image) throw new ImageError("ErrImagePull", noSuchRepository(parsed));
    const hasTag = image.hasTag ?? isUsualTag;
    if (!parsed.digest && !hasTag(parsed.tag)) throw new ImageError("ErrImagePull", noSuchTag(parsed));
    const digest = parsed.digest ?? `sha256:${createHash("sha256").update(parsed.name).digest("hex")}`;
    const pulled = { name: parsed.name, id: `${parsed.repository}@${digest}`, sizeBytes: image.sizeBytes };
    this.#pulled.set(parsed.name, pulled);
    this.#references.set(parsed.name, parsed);
    return pulled;
  }

  get pulled(): readonly PulledImage[] {
    return [...this.#pulled.values()];
  }

  /** What a pulled image is. Throws Error for one that was not pulled here. */
  open(pulled: PulledImage): { image: Image; tag: string; tree: FileTree } {
    const reference = this.#references.get(pulled.name) ?? parseImageReference(pulled.name);
    const image = reference && this.#byRepository.get(reference.repository);
    if (!image) throw new Error(`failed to resolve image "${pulled.name}": not found`);
    let tree = this.#trees.get(image);
    if (!tree) {
      tree = buildTree(image);
      this.#trees.set(image, tree);
    }
    return { image, tag: reference.tag, tree };
  }
}

/** A fixed date, so that listings do not depend on when the simulator was started. */
const IMAGE_BUILT_AT_MS = Date.UTC(2025, 5, 3);

function buildTree(image: Image): FileTree {
  const tree = new FileTree();
  for (const path of [...baseFiles.directories, ...(image.directories ?? [])]) {
    tree.put(path, newDirectory(IMAGE_BUILT_AT_MS, path === "/tmp" ? 0o1777 : 0o755));
  }
  for (const path of baseFiles.devices) {
    tree.put(path, { ...newFile(new Uint8Array(), IMAGE_BUILT_AT_MS, 0o666), kind: "device" });
  }
  for (const [path, text] of Object.entries({ ...baseFiles.texts, ...image.files })) {
    tree.put(path, newFile(Buffer.from(text, "utf8"), IMAGE_BUILT_AT_MS));
  }
  for (const path of Object.keys(image.programs)) {
    tree.put(path, newFile(new Uint8Array(), IMAGE_BUILT_AT_MS, 0o755));
  }
  return tree;
}

function noSuchRepository({ name, repository }: ImageReference): string {
  return `rpc error: code = Unknown desc = failed to pull and unpack image "${name}": failed to resolve reference "${name}": pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed${
    repository.startsWith("docker.io/") ? "" : " (no emulated image has this name)"
  }`;
}

const noSuchTag = ({ name }: ImageReference): string =>
  `rpc error: code = NotFound desc = failed to pull and unpack image "${name}": failed to resolve reference "${name}": ${name}: not found`;
