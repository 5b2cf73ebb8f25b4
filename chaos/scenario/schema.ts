import { DEFAULT_DURATION_MS } from "./defaults.js";
import { type JsonSchema, objectSchema } from "./fields.js";
import { SCENARIO_API_VERSION, SCENARIO_KIND, scenarioFields } from "./parse.js";
import type { Vocabulary } from "./vocabulary.js";

/** JSON Schema (draft 2020-12) of scenario files, for editors: `kubesim chaos schema`. */
export const scenarioSchema = (vocabulary: Vocabulary): JsonSchema => ({
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "Kubesim chaos scenario",
  description: "What runs, what breaks, and what must stay true.",
  type: "object",
  additionalProperties: false,
  required: ["apiVersion", "kind", "metadata", "spec"],
  properties: {
    apiVersion: { const: SCENARIO_API_VERSION },
    kind: { const: SCENARIO_KIND },
    metadata: {
      type: "object",
      required: ["name"],
      properties: {
        name: { type: "string", minLength: 1, description: "what reports call it" },
        labels: { type: "object" },
        annotations: { type: "object" },
      },
    },
    spec: objectSchema(scenarioFields(vocabulary, DEFAULT_DURATION_MS)),
  },
});
