import type { DownwardFile, Volume, VolumeProjection } from "../../../machinery/api/core-v1.js";
import { canonicalQuantity } from "../../../machinery/api/quantity.js";

const DEFAULT_MODE = 0o644;
const DEFAULT_TOKEN_SECONDS = 3600;

export function defaultVolume(volume: Volume): void {
  if (Object.keys(volume).every((key) => key === "name")) volume.emptyDir = {};
  if (volume.emptyDir?.sizeLimit !== undefined)
    volume.emptyDir.sizeLimit = canonicalQuantity(volume.emptyDir.sizeLimit);
  if (volume.hostPath) volume.hostPath.type ??= "";
  if (volume.secret) volume.secret.defaultMode ??= DEFAULT_MODE;
  if (volume.configMap) volume.configMap.defaultMode ??= DEFAULT_MODE;
  if (volume.downwardAPI) {
    volume.downwardAPI.defaultMode ??= DEFAULT_MODE;
    volume.downwardAPI.items?.forEach(defaultDownwardFile);
  }
  if (volume.projected) {
    volume.projected.defaultMode ??= DEFAULT_MODE;
    volume.projected.sources?.forEach(defaultProjection);
  }
}

function defaultProjection(source: VolumeProjection): void {
  if (source.serviceAccountToken) source.serviceAccountToken.expirationSeconds ??= DEFAULT_TOKEN_SECONDS;
  source.downwardAPI?.items?.forEach(defaultDownwardFile);
}

function defaultDownwardFile(file: DownwardFile): void {
  if (file.fieldRef) file.fieldRef.apiVersion ||= "v1";
  if (file.resourceFieldRef) file.resourceFieldRef.divisor ??= "0";
}
