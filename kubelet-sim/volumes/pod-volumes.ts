import type { Container, Pod, Volume } from "../../machinery/api/core-v1.js";
import type { Mount, PodVolume } from "../container-runtime.js";
import { ContainerConfigError } from "../pods/env.js";
import { expand } from "../pods/expansion.js";
import { newPodVolume } from "../runtime/pod-volume.js";
import { type FileSources, fileMode, isProjectedVolume, MountError, volumeFiles } from "./volume-files.js";

/** Directories of the node that hostPath volumes share, by path. */
export type HostPaths = Map<string, PodVolume>;

/** The kubelet's event text for a volume that is not ready. */
export const mountFailure = (volume: string, cause: string): string =>
  `MountVolume.SetUp failed for volume "${volume}" : ${cause}`;

/** The volumes of one pod. */
export class PodVolumes {
  readonly #byName = new Map<string, PodVolume>();
  /** Those whose content comes from the API: no container may write to them. */
  readonly #projected = new Set<PodVolume>();
  readonly #hostPaths: HostPaths;

  constructor(hostPaths: HostPaths) {
    this.#hostPaths = hostPaths;
  }

  /**
   * Makes what is missing and writes the content of those that come from the API. Rejects with MountError, whose message is
   * the event's.
   */
  async setUp(pod: Pod, sources: FileSources): Promise<void> {
    for (const volume of pod.spec.volumes ?? []) {
      if (isProjectedVolume(volume)) await this.#write(volume, sources);
      else if (!this.#byName.has(volume.name)) this.#byName.set(volume.name, this.#plainVolume(volume));
    }
  }

  /** What `volumeMounts` of a container come to. Throws ContainerConfigError. */
  mounts(container: Container, env: ReadonlyMap<string, string>): Mount[] {
    return (container.volumeMounts ?? []).map((mount) => {
      const volume = this.#byName.get(mount.name);
      if (!volume)
        throw new ContainerConfigError(`cannot find volume "${mount.name}" to mount into container`);
      const subPath = mount.subPathExpr ? expand(mount.subPathExpr, env) : mount.subPath;
      return {
        path: mount.mountPath,
        volume,
        readOnly: (mount.readOnly ?? false) || this.#projected.has(volume),
        ...(subPath ? { subPath } : {}),
      };
    });
  }

  async #write(volume: Volume, sources: FileSources): Promise<void> {
    try {
      const files = await volumeFiles(volume, sources);
      const target = this.#byName.get(volume.name) ?? newPodVolume();
      target.replace(files, fileMode(volume));
      this.#projected.add(target);
      this.#byName.set(volume.name, target);
    } catch (err) {
      // Whatever the cause (no such object, no answer from the API server), the kubelet says so and tries again.
      throw new MountError(mountFailure(volume.name, err instanceof Error ? err.message : String(err)));
    }
  }

  #plainVolume(volume: Volume): PodVolume {
    const claim = volume.persistentVolumeClaim;
    if (claim)
      throw new MountError(mountFailure(volume.name, `persistentvolumeclaim "${claim.claimName}" not found`));
    if (!volume.hostPath) return newPodVolume();
    const shared = this.#hostPaths.get(volume.hostPath.path) ?? newPodVolume();
    this.#hostPaths.set(volume.hostPath.path, shared);
    return shared;
  }
}

/** Keys of the ConfigMaps and Secrets that a pod reads, as `configmap/NAMESPACE/NAME`. */
export function configReferences(pod: Pod): Set<string> {
  const namespace = pod.metadata.namespace ?? "";
  const keys = new Set<string>();
  const configMap = (reference: { name: string } | undefined): void => {
    if (reference) keys.add(`configmap/${namespace}/${reference.name}`);
  };
  const secret = (name: string | undefined): void => {
    if (name) keys.add(`secret/${namespace}/${name}`);
  };
  for (const volume of pod.spec.volumes ?? []) {
    configMap(volume.configMap);
    secret(volume.secret?.secretName);
    for (const source of volume.projected?.sources ?? []) {
      configMap(source.configMap);
      secret(source.secret?.name);
    }
  }
  for (const container of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
    for (const from of container.envFrom ?? []) {
      configMap(from.configMapRef);
      secret(from.secretRef?.name);
    }
    for (const { valueFrom } of container.env ?? []) {
      configMap(valueFrom?.configMapKeyRef);
      secret(valueFrom?.secretKeyRef?.name);
    }
  }
  return keys;
}
