import type { KeyToPath, Volume, VolumeMount, VolumeProjection } from "../../../machinery/api/core-v1.js";
import {
  duplicate,
  type FieldError,
  type FieldPath,
  forbidden,
  invalid,
  notFound,
  required,
} from "../../../machinery/api/field-error.js";
import { validateFieldRef, VOLUME_FIELD_PATHS } from "./env.js";
import { checkLabel } from "./labels.js";
import { validateQuantity } from "./resources.js";

export function validateVolumes(volumes: readonly Volume[] | undefined, at: FieldPath): FieldError[] {
  const names = new Set<string>();
  return (volumes ?? []).flatMap((volume, i) => {
    const path = at.index(i);
    const errors = validateVolumeSource(volume, path);
    if (!volume.name) return [...errors, required(path.child("name"))];
    errors.push(...checkLabel(volume.name, path.child("name")));
    if (names.has(volume.name)) errors.push(duplicate(path.child("name"), volume.name));
    names.add(volume.name);
    return errors;
  });
}

function validateVolumeSource(volume: Volume, at: FieldPath): FieldError[] {
  const [first, ...more] = Object.keys(volume).filter((key) => key !== "name");
  if (first === undefined) return [required(at, "must specify a volume type")];
  return [
    ...validateFirstSource(volume, at),
    ...more.map((name) => forbidden(at.child(name), "may not specify more than 1 volume type")),
  ];
}

function validateFirstSource(volume: Volume, at: FieldPath): FieldError[] {
  const { emptyDir, hostPath, configMap, secret, downwardAPI, projected, persistentVolumeClaim } = volume;
  if (emptyDir?.sizeLimit !== undefined)
    return validateQuantity(emptyDir.sizeLimit, at.child("emptyDir", "sizeLimit"));
  if (hostPath && !hostPath.path) return [required(at.child("hostPath", "path"))];
  if (configMap) return validateKeyed(configMap, "name", configMap.name, at.child("configMap"));
  if (secret) return validateKeyed(secret, "secretName", secret.secretName, at.child("secret"));
  if (downwardAPI) return validateDownward(downwardAPI, at.child("downwardAPI"));
  if (projected) return validateProjected(projected, at.child("projected"));
  if (persistentVolumeClaim && !persistentVolumeClaim.claimName)
    return [required(at.child("persistentVolumeClaim", "claimName"))];
  return [];
}

const MODE_MESSAGE = "must be a number between 0 and 0777 (octal), both inclusive";
const validateMode = (mode: number | undefined, at: FieldPath): FieldError[] =>
  mode !== undefined && (mode < 0 || mode > 0o777) ? [invalid(at, mode, MODE_MESSAGE)] : [];

function validateKeyed(
  source: { items?: KeyToPath[]; defaultMode?: number },
  nameField: string,
  name: string | undefined,
  at: FieldPath,
): FieldError[] {
  return [
    ...(name ? [] : [required(at.child(nameField))]),
    ...validateMode(source.defaultMode, at.child("defaultMode")),
    ...validateItems(source.items, at.child("items")),
  ];
}

const validateItems = (items: readonly KeyToPath[] | undefined, at: FieldPath): FieldError[] =>
  (items ?? []).flatMap((item, i) => [
    ...(item.key ? [] : [required(at.index(i).child("key"))]),
    ...validateFilePath(item.path, at.index(i).child("path")),
    ...validateMode(item.mode, at.index(i).child("mode")),
  ]);

function validateFilePath(path: string | undefined, at: FieldPath): FieldError[] {
  if (!path) return [required(at)];
  const errors = validateDescendingPath(path, at);
  if (path.startsWith("..") && path !== ".." && !path.startsWith("../"))
    errors.push(invalid(at, path, "must not start with '..'"));
  return errors;
}

/** Upstream: validateLocalDescendingPath. */
function validateDescendingPath(path: string, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (path.startsWith("/")) errors.push(invalid(at, path, "must be a relative path"));
  if (path.split("/").includes("..")) errors.push(invalid(at, path, "must not contain '..'"));
  return errors;
}

function validateDownward(source: NonNullable<Volume["downwardAPI"]>, at: FieldPath): FieldError[] {
  return [
    ...validateMode(source.defaultMode, at.child("defaultMode")),
    ...(source.items ?? []).flatMap((file, i) => {
      const path = at.child("items").index(i);
      const errors = validateFilePath(file.path, path.child("path"));
      if (file.fieldRef)
        errors.push(...validateFieldRef(file.fieldRef, VOLUME_FIELD_PATHS, path.child("fieldRef")));
      else if (!file.resourceFieldRef)
        errors.push(required(path, "one of fieldRef and resourceFieldRef is required"));
      return errors;
    }),
  ];
}

function validateProjected(source: NonNullable<Volume["projected"]>, at: FieldPath): FieldError[] {
  return [
    ...validateMode(source.defaultMode, at.child("defaultMode")),
    ...(source.sources ?? []).flatMap((projection, i) =>
      validateProjection(projection, at.child("sources").index(i)),
    ),
  ];
}

const MIN_TOKEN_SECONDS = 600;

function validateProjection(projection: VolumeProjection, at: FieldPath): FieldError[] {
  const { configMap, secret, downwardAPI, serviceAccountToken } = projection;
  const errors: FieldError[] = [];
  if (configMap) errors.push(...validateKeyed(configMap, "name", configMap.name, at.child("configMap")));
  if (secret) errors.push(...validateKeyed(secret, "name", secret.name, at.child("secret")));
  if (downwardAPI) errors.push(...validateDownward(downwardAPI, at.child("downwardAPI")));
  if (serviceAccountToken) {
    const path = at.child("serviceAccountToken");
    const seconds = serviceAccountToken.expirationSeconds ?? MIN_TOKEN_SECONDS;
    if (seconds < MIN_TOKEN_SECONDS)
      errors.push(
        invalid(path.child("expirationSeconds"), seconds, "may not specify a duration less than 10 minutes"),
      );
    errors.push(...validateFilePath(serviceAccountToken.path, path.child("path")));
  }
  const [first, ...more] = Object.keys(projection);
  if (first === undefined) errors.push(required(at, "must specify a volume type"));
  for (const name of more)
    errors.push(forbidden(at.child(name), "may not specify more than 1 volume type per source"));
  return errors;
}

export function validateVolumeMounts(
  mounts: readonly VolumeMount[] | undefined,
  volumeNames: ReadonlySet<string>,
  at: FieldPath,
): FieldError[] {
  const mountPaths = new Set<string>();
  return (mounts ?? []).flatMap((mount, i) => {
    const path = at.index(i);
    const errors: FieldError[] = [];
    if (!mount.name) errors.push(required(path.child("name")));
    if (!volumeNames.has(mount.name)) errors.push(notFound(path.child("name"), mount.name ?? ""));
    if (!mount.mountPath) errors.push(required(path.child("mountPath")));
    if (mountPaths.has(mount.mountPath))
      errors.push(invalid(path.child("mountPath"), mount.mountPath, "must be unique"));
    mountPaths.add(mount.mountPath);
    // Upstream leaves the index out of this one path.
    if (mount.subPath) errors.push(...validateDescendingPath(mount.subPath, at.child("subPath")));
    if (mount.subPathExpr && mount.subPath)
      errors.push(
        invalid(
          path.child("subPathExpr"),
          mount.subPathExpr,
          "subPathExpr and subPath are mutually exclusive",
        ),
      );
    return errors;
  });
}
