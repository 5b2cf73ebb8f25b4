import type { ConfigMap } from "../../../machinery/api/core-v1.js";
import { type FieldError, field, forbidden, invalid, tooLong } from "../../../machinery/api/field-error.js";
import { isConfigMapKey } from "../../../machinery/api/names.js";
import { semanticEqual } from "../semantic-equal.js";
import { base64Bytes, MAX_STORED_BYTES } from "../validation/stored-data.js";

export function validateConfigMap(configMap: ConfigMap): FieldError[] {
  const errors: FieldError[] = [];
  const { data = {}, binaryData = {} } = configMap;
  let bytes = 0;
  for (const [key, value] of Object.entries(data)) {
    const at = field("data").key(key);
    errors.push(...isConfigMapKey(key).map((message) => invalid(at, key, message)));
    if (Object.hasOwn(binaryData, key))
      errors.push(invalid(at, key, "duplicate of key present in binaryData"));
    bytes += Buffer.byteLength(value);
  }
  for (const [key, value] of Object.entries(binaryData)) {
    const at = field("binaryData").key(key);
    errors.push(...isConfigMapKey(key).map((message) => invalid(at, key, message)));
    bytes += base64Bytes(value);
  }
  if (bytes > MAX_STORED_BYTES) errors.push(tooLong(field(""), MAX_STORED_BYTES));
  return errors;
}

export function validateConfigMapUpdate(configMap: ConfigMap, old: ConfigMap): FieldError[] {
  const errors: FieldError[] = [];
  if (old.immutable) {
    const message = "field is immutable when `immutable` is set";
    if (!configMap.immutable) errors.push(forbidden(field("immutable"), message));
    for (const name of ["data", "binaryData"] as const)
      if (!semanticEqual(configMap[name], old[name])) errors.push(forbidden(field(name), message));
  }
  return [...errors, ...validateConfigMap(configMap)];
}
