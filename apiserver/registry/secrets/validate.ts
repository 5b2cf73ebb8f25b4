import type { Secret } from "../../../machinery/api/core-v1.js";
import {
  type FieldError,
  field,
  forbidden,
  invalid,
  required,
  tooLong,
} from "../../../machinery/api/field-error.js";
import { isConfigMapKey } from "../../../machinery/api/names.js";
import { semanticEqual } from "../semantic-equal.js";
import { immutable } from "../validation/fields.js";
import { base64Bytes, MAX_STORED_BYTES } from "../validation/stored-data.js";

const at = field("data");

/** Keys that a type requires (core/v1 SecretType constants). */
const REQUIRED_KEYS: Record<string, readonly string[]> = {
  "kubernetes.io/dockercfg": [".dockercfg"],
  "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
  "kubernetes.io/ssh-auth": ["ssh-privatekey"],
  "kubernetes.io/tls": ["tls.crt", "tls.key"],
};

export function validateSecret(secret: Secret): FieldError[] {
  const data = secret.data ?? {};
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(data)) {
    errors.push(...isConfigMapKey(key).map((message) => invalid(at.key(key), key, message)));
    bytes += base64Bytes(value);
  }
  if (bytes > MAX_STORED_BYTES) errors.push(tooLong(at, MAX_STORED_BYTES));
  return [...errors, ...validateByType(secret, data)];
}

function validateByType(secret: Secret, data: Record<string, string>): FieldError[] {
  switch (secret.type) {
    case "kubernetes.io/service-account-token":
      return secret.metadata.annotations?.["kubernetes.io/service-account.name"]
        ? []
        : [required(field("metadata", "annotations").key("kubernetes.io/service-account.name"))];
    case "kubernetes.io/basic-auth":
      return Object.hasOwn(data, "username") || Object.hasOwn(data, "password")
        ? []
        : [required(at.key("username")), required(at.key("password"))];
    case "kubernetes.io/dockercfg":
    case "kubernetes.io/dockerconfigjson":
      return validateDockerConfig(REQUIRED_KEYS[secret.type]?.[0] ?? "", data);
    default:
      return missingKeys(secret.type, data);
  }
}

const missingKeys = (type: string, data: Record<string, string>): FieldError[] =>
  (Object.hasOwn(REQUIRED_KEYS, type) ? (REQUIRED_KEYS[type] ?? []) : [])
    .filter((key) => !Object.hasOwn(data, key))
    .map((key) => required(at.key(key)));

function validateDockerConfig(key: string, data: Record<string, string>): FieldError[] {
  const encoded = Object.hasOwn(data, key) ? data[key] : undefined;
  if (encoded === undefined) return [required(at.key(key))];
  try {
    JSON.parse(Buffer.from(encoded, "base64").toString("utf8"));
    return [];
  } catch {
    return [
      invalid(at.key(key), "<secret contents redacted>", "invalid character looking for beginning of value"),
    ];
  }
}

export function validateSecretUpdate(secret: Secret, old: Secret): FieldError[] {
  const errors = immutable(secret.type, old.type, field("type"));
  if (old.immutable) {
    const message = "field is immutable when `immutable` is set";
    if (!secret.immutable) errors.push(forbidden(field("immutable"), message));
    if (!semanticEqual(secret.data, old.data)) errors.push(forbidden(at, message));
  }
  return [...errors, ...validateSecret(secret)];
}
