import { delimited, type Encoded, flag, message, text, texts } from "./protobuf.js";

/**
 * An OpenAPI v2 document as gnostic's `openapi.v2.Document`: the only form in which Go clients ask for it. Numbers are
 * the field numbers of that schema.
 */
export function encodeGnostic(document: SwaggerDocument): Encoded {
  return message([
    text(1, document.swagger),
    delimited(2, message([text(1, document.info.title), text(2, document.info.version)])),
    delimited(8, named(2, document.paths, pathItem)),
    delimited(9, named(1, document.definitions, schema)),
    ...document.security.map((requirement) =>
      delimited(
        12,
        named(1, requirement, (values) => texts(1, values)),
      ),
    ),
    delimited(
      13,
      named(1, document.securityDefinitions, (item) => delimited(2, apiKey(item))),
    ),
  ]);
}

export interface SwaggerDocument {
  swagger: string;
  info: { title: string; version: string };
  paths: Record<string, SwaggerPath>;
  definitions: Record<string, SwaggerSchema>;
  security: readonly Record<string, readonly string[]>[];
  securityDefinitions: Record<string, SwaggerApiKey>;
}
type Extensions = Record<`x-${string}`, unknown>;
export interface SwaggerSchema extends Extensions {
  $ref?: string;
  format?: string;
  description?: string;
  required?: readonly string[];
  enum?: readonly string[];
  additionalProperties?: SwaggerSchema;
  type?: string;
  items?: SwaggerSchema;
  properties?: Record<string, SwaggerSchema>;
}
interface SwaggerApiKey {
  type: string;
  name: string;
  in: string;
  description: string;
}
export interface SwaggerParameter {
  name: string;
  in: string;
  description?: string;
  required?: boolean;
  type?: string;
  uniqueItems?: boolean;
  schema?: SwaggerSchema;
}
export type SwaggerPath = Partial<Record<SwaggerMethod, SwaggerOperation>> & {
  parameters?: readonly SwaggerParameter[];
};
type SwaggerMethod = keyof typeof METHOD_FIELDS;
export interface SwaggerOperation extends Extensions {
  tags: readonly string[];
  description: string;
  operationId: string;
  produces: readonly string[];
  consumes: readonly string[];
  schemes: readonly string[];
  parameters: readonly SwaggerParameter[];
  responses: Record<string, { description: string; schema?: SwaggerSchema }>;
}

/** A map as a list of (name = 1, value = 2). */
const named = <T>(field: number, map: Record<string, T>, encode: (value: T) => Encoded): Encoded =>
  message(
    Object.entries(map).map(([name, value]) =>
      delimited(field, message([text(1, name), delimited(2, encode(value))])),
    ),
  );

/** Any carries YAML, which JSON is. */
const any = (value: unknown): Encoded => text(2, JSON.stringify(value));

const extensions = (field: number, value: object): Encoded =>
  named(field, Object.fromEntries(Object.entries(value).filter(([key]) => key.startsWith("x-"))), any);

function schema(value: SwaggerSchema): Encoded {
  return message([
    text(1, value.$ref),
    text(2, value.format),
    text(4, value.description),
    texts(19, value.required),
    ...(value.enum ?? []).map((item) => delimited(20, any(item))),
    delimited(21, value.additionalProperties && delimited(1, schema(value.additionalProperties))),
    delimited(22, value.type && texts(1, [value.type])),
    delimited(23, value.items && delimited(1, schema(value.items))),
    delimited(25, value.properties && named(1, value.properties, schema)),
    extensions(31, value),
  ]);
}

const apiKey = (key: SwaggerApiKey): Encoded =>
  message([text(1, key.type), text(2, key.name), text(3, key.in), text(4, key.description)]);

const METHOD_FIELDS = { get: 2, put: 3, post: 4, delete: 5, options: 6, head: 7, patch: 8 } as const;

const pathItem = (item: SwaggerPath): Encoded =>
  message([
    ...Object.entries(METHOD_FIELDS).map(([method, field]) => {
      const known = item[method as SwaggerMethod];
      return delimited(field, known && operation(known));
    }),
    ...(item.parameters ?? []).map((parameter) => delimited(9, parameterItem(parameter))),
  ]);

const operation = (value: SwaggerOperation): Encoded =>
  message([
    texts(1, value.tags),
    text(3, value.description),
    text(5, value.operationId),
    texts(6, value.produces),
    texts(7, value.consumes),
    ...value.parameters.map((parameter) => delimited(8, parameterItem(parameter))),
    delimited(9, named(1, value.responses, response)),
    texts(10, value.schemes),
    extensions(13, value),
  ]);

const response = ({ description, schema: answered }: SwaggerOperation["responses"][string]): Encoded =>
  delimited(1, message([text(1, description), delimited(2, answered && delimited(1, schema(answered)))]));

function parameterItem(parameter: SwaggerParameter): Encoded {
  const { name, in: place, description, required, type, uniqueItems } = parameter;
  if (place === "body") {
    const body = message([
      text(1, description),
      text(2, name),
      text(3, place),
      flag(4, required),
      delimited(5, parameter.schema && schema(parameter.schema)),
    ]);
    return delimited(1, delimited(1, body));
  }
  const common = [flag(1, required), text(2, place), text(3, description), text(4, name)];
  const form =
    place === "query"
      ? delimited(3, message([...common, text(6, type), flag(20, uniqueItems)]))
      : delimited(4, message([...common, text(5, type), flag(19, uniqueItems)]));
  return delimited(1, delimited(2, form));
}
