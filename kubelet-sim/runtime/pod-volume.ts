import type { PodVolume } from "../container-runtime.js";
import { contentOf, FileTree, newFile } from "./file-tree.js";

/** Every PodVolume is one of these: an empty directory until it is replaced or written to. */
export class MemoryVolume implements PodVolume {
  tree = new FileTree();
  #revision = 0;

  replace(files: ReadonlyMap<string, Uint8Array>, mode?: number): void {
    const next = new FileTree();
    this.#revision++;
    for (const [path, content] of files) next.put(`/${path}`, newFile(content, this.#revision, mode));
    this.tree = next;
  }
}

/** A volume for `Mount.volume`: an emptyDir as it is, a ConfigMap, Secret or projected volume after `replace`. */
export const newPodVolume = (): PodVolume => new MemoryVolume();

/** A file of a volume as programs left it; undefined when it is not there. */
export function readPodVolume(volume: PodVolume, path: string): Uint8Array | undefined {
  const node = volume instanceof MemoryVolume ? volume.tree.get(`/${path}`) : undefined;
  return node && node.kind !== "directory" ? contentOf(node) : undefined;
}
