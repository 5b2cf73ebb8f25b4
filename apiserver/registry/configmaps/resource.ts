import { type ConfigMap, configMaps } from "../../../machinery/api/core-v1.js";
import { ageColumn, ageOf, nameColumn, textColumn } from "../printing.js";
import { serve } from "../serve.js";
import { validateConfigMap, validateConfigMapUpdate } from "./validate.js";

export const configMapResource = serve<ConfigMap>(configMaps, {
  strategy: {
    validate: validateConfigMap,
    validateUpdate: validateConfigMapUpdate,
  },
  columns: [
    nameColumn,
    textColumn("Data", "Number of keys of the ConfigMap, binary ones included."),
    ageColumn,
  ],
  row: (configMap, nowMs) => [
    configMap.metadata.name,
    Object.keys(configMap.data ?? {}).length + Object.keys(configMap.binaryData ?? {}).length,
    ageOf(configMap, nowMs),
  ],
});
