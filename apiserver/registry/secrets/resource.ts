import { type Secret, secrets } from "../../../machinery/api/core-v1.js";
import { ageColumn, ageOf, integerColumn, nameColumn, textColumn } from "../printing.js";
import { serve } from "../serve.js";
import { validateSecret, validateSecretUpdate } from "./validate.js";

function defaultSecret(secret: Secret): void {
  secret.type ||= "Opaque";
  if (!secret.stringData) return;
  const data = { ...secret.data };
  for (const [key, value] of Object.entries(secret.stringData))
    data[key] = Buffer.from(value, "utf8").toString("base64");
  secret.data = data;
  delete secret.stringData;
}

export const secretResource = serve<Secret>(secrets, {
  strategy: {
    defaults: defaultSecret,
    prepareForUpdate(secret, old) {
      // "" is what a client sends that does not know types.
      if (!secret.type) secret.type = old.type;
    },
    validate: validateSecret,
    validateUpdate: validateSecretUpdate,
  },
  columns: [
    nameColumn,
    textColumn(
      "Type",
      "Used to facilitate programmatic handling of secret data. More info: https://kubernetes.io/docs/concepts/configuration/secret/#secret-types",
    ),
    integerColumn(
      "Data",
      "Data contains the secret data. Each key must consist of alphanumeric characters, '-', '_' or '.'.",
    ),
    ageColumn,
  ],
  row: (secret, nowMs) => [
    secret.metadata.name,
    secret.type,
    Object.keys(secret.data ?? {}).length,
    ageOf(secret, nowMs),
  ],
  selectableFields: ["type"],
  fieldsOf: (secret) => ({ type: secret.type }),
});
