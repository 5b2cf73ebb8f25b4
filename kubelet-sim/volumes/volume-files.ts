import type {
  ConfigMap,
  DownwardFile,
  KeyToPath,
  Secret,
  Volume,
  VolumeProjection,
} from "../../machinery/api/core-v1.js";
import type { ConfigSource } from "../pods/env.js";
import { type DownwardContext, fieldValue, resourceFieldValue } from "../pods/field-ref.js";

/** A volume cannot be set up yet: event FailedMount. */
export class MountError extends Error {
  override readonly name = "MountError";
}

export type Files = Map<string, Uint8Array>;

/** Asks the API server for a token of the pod's ServiceAccount. */
export type TokenSource = (audience: string | undefined, expirationSeconds: number) => Promise<string>;

export interface FileSources {
  config: ConfigSource;
  tokens: TokenSource;
  downward: DownwardContext;
}

/** Kinds of volume whose content the kubelet writes. */
export const isProjectedVolume = (volume: Volume): boolean =>
  Boolean(volume.configMap ?? volume.secret ?? volume.downwardAPI ?? volume.projected);

/** The permission bits of a volume's files. */
export const fileMode = ({ configMap, secret, downwardAPI, projected }: Volume): number =>
  (configMap ?? secret ?? downwardAPI ?? projected)?.defaultMode ?? 0o644;

/** The files of a ConfigMap, Secret, downward API or projected volume. Rejects with MountError. */
export async function volumeFiles(volume: Volume, sources: FileSources): Promise<Files> {
  if (volume.configMap) return configMapFiles(volume.configMap, sources);
  if (volume.secret) {
    const { secretName, ...rest } = volume.secret;
    return secretFiles({ name: secretName, ...rest }, sources);
  }
  if (volume.downwardAPI) return downwardFiles(volume.downwardAPI.items ?? [], sources.downward);
  const files: Files = new Map();
  for (const projection of volume.projected?.sources ?? [])
    for (const [path, content] of await projectionFiles(projection, sources)) files.set(path, content);
  return files;
}

async function projectionFiles(projection: VolumeProjection, sources: FileSources): Promise<Files> {
  if (projection.configMap) return configMapFiles(projection.configMap, sources);
  if (projection.secret) return secretFiles(projection.secret, sources);
  if (projection.downwardAPI) return downwardFiles(projection.downwardAPI.items ?? [], sources.downward);
  const token = projection.serviceAccountToken;
  if (!token) return new Map();
  const text = await sources.tokens(token.audience, token.expirationSeconds ?? 3600);
  return new Map([[token.path, encode(text)]]);
}

interface KeyedReference {
  name: string;
  items?: KeyToPath[];
  optional?: boolean;
}

async function configMapFiles(reference: KeyedReference, sources: FileSources): Promise<Files> {
  const namespace = sources.downward.pod.metadata.namespace ?? "";
  const configMap = await sources.config.configMap(namespace, reference.name);
  if (!configMap && !reference.optional) throw new MountError(`configmap "${reference.name}" not found`);
  return chosenFiles(configMap ? configMapContent(configMap) : new Map(), reference, "configmap");
}

async function secretFiles(reference: KeyedReference, sources: FileSources): Promise<Files> {
  const namespace = sources.downward.pod.metadata.namespace ?? "";
  const secret = await sources.config.secret(namespace, reference.name);
  if (!secret && !reference.optional) throw new MountError(`secret "${reference.name}" not found`);
  return chosenFiles(secret ? secretContent(secret) : new Map(), reference, "secret");
}

const encode = (text: string): Uint8Array => Buffer.from(text, "utf8");

const configMapContent = (configMap: ConfigMap): Files =>
  new Map([
    ...Object.entries(configMap.data ?? {}).map(([key, text]): [string, Uint8Array] => [key, encode(text)]),
    ...base64Entries(configMap.binaryData),
  ]);

const secretContent = (secret: Secret): Files => new Map(base64Entries(secret.data));

const base64Entries = (data: Record<string, string> | undefined): [string, Uint8Array][] =>
  Object.entries(data ?? {}).map(([key, text]) => [key, Buffer.from(text, "base64")]);

/** Without `items` every key is a file of its name. */
function chosenFiles(content: Files, reference: KeyedReference, kind: "configmap" | "secret"): Files {
  if (!reference.items || reference.items.length === 0) return content;
  const files: Files = new Map();
  for (const { key, path } of reference.items) {
    const bytes = content.get(key);
    if (bytes) files.set(path, bytes);
    else if (!reference.optional)
      throw new MountError(
        kind === "configmap"
          ? `configmap references non-existent config key: ${key}`
          : `references non-existent secret key: ${key}`,
      );
  }
  return files;
}

function downwardFiles(items: readonly DownwardFile[], downward: DownwardContext): Files {
  const files: Files = new Map();
  for (const { path, fieldRef, resourceFieldRef } of items) {
    const value = fieldRef
      ? fieldValue(fieldRef.fieldPath, downward)
      : resourceFieldRef && resourceText(resourceFieldRef, downward);
    if (value !== undefined) files.set(path, encode(value));
  }
  return files;
}

function resourceText(
  reference: NonNullable<DownwardFile["resourceFieldRef"]>,
  downward: DownwardContext,
): string | undefined {
  const container = downward.pod.spec.containers.find(({ name }) => name === reference.containerName);
  return container && resourceFieldValue(reference.resource, reference.divisor, container, downward);
}
