import type { GroupVersionKind } from "../../machinery/api/resource.js";
import type { ServedVersion } from "../discovery/groups.js";
import { type DefinitionIndex, described, extensionsOf } from "./definitions.js";
import type {
  SwaggerDocument,
  SwaggerOperation,
  SwaggerParameter,
  SwaggerPath,
  SwaggerSchema,
} from "./gnostic.js";
import { META, type PropertyType } from "./model.js";
import type { Operation, PathItem } from "./operation.js";
import type { Parameter } from "./parameters.js";
import { pathsOf } from "./paths.js";

/** The OpenAPI v2 (Swagger) document: all groups in one. */
export function documentV2(
  all: readonly ServedVersion[],
  index: DefinitionIndex,
  version: string,
): SwaggerDocument {
  const paths = all.flatMap(pathsOf);
  const names = index.reachable(paths, [`${META}WatchEvent`]);
  return {
    swagger: "2.0",
    info: { title: "Kubernetes", version },
    paths: Object.fromEntries(paths.map((item) => [item.path, pathItem(item, index)])),
    definitions: Object.fromEntries(names.map((name) => [name, definitionV2(name, index, all)])),
    securityDefinitions: {
      BearerToken: {
        description: "Bearer Token authentication",
        type: "apiKey",
        name: "authorization",
        in: "header",
      },
    },
    security: [{ BearerToken: [] }],
  };
}

function definitionV2(name: string, index: DefinitionIndex, all: readonly ServedVersion[]): SwaggerSchema {
  const definition = index.get(name);
  const kinds = index.kindsOf(name, all);
  const properties = Object.entries(definition.properties ?? {}).map(([property, type]) => [
    property,
    { ...described(index.describe(name, property)), ...propertyV2(type) },
  ]);
  return {
    ...described(index.describe(name)),
    ...(definition.type ? { type: definition.type } : {}),
    ...(definition.format ? { format: definition.format } : {}),
    ...(definition.required ? { required: definition.required } : {}),
    ...(properties.length > 0
      ? { properties: Object.fromEntries(properties) as Record<string, SwaggerSchema> }
      : {}),
    ...(kinds.length > 0 ? { "x-kubernetes-group-version-kind": kinds } : {}),
    ...(definition.mapType ? { "x-kubernetes-map-type": definition.mapType } : {}),
  };
}

function propertyV2(type: PropertyType): SwaggerSchema {
  if (type.ref !== undefined) return { ...reference(type.ref), ...extensionsOf(type) };
  return {
    ...(type.type ? { type: type.type } : {}),
    ...(type.format ? { format: type.format } : {}),
    ...(type.enum ? { enum: type.enum } : {}),
    ...(type.items ? { items: propertyV2(type.items) } : {}),
    ...(type.additionalProperties ? { additionalProperties: propertyV2(type.additionalProperties) } : {}),
    ...extensionsOf(type),
  };
}

const reference = (name: string): SwaggerSchema => ({ $ref: `#/definitions/${name}` });

const pathItem = ({ parameters, operations }: PathItem, index: DefinitionIndex): SwaggerPath => ({
  ...Object.fromEntries(operations.map((operation) => [operation.method, operationV2(operation, index)])),
  ...(parameters.length > 0 ? { parameters: parameters.map(parameterV2) } : {}),
});

const parameterV2 = ({ name, in: place, type, description }: Parameter): SwaggerParameter => ({
  uniqueItems: true,
  type,
  description,
  name,
  in: place,
  ...(place === "path" ? { required: true } : {}),
});

function operationV2(operation: Operation, index: DefinitionIndex): SwaggerOperation {
  const { id, description, action, gvk, tag, parameters, body, answers, produces } = operation;
  const bodyParameter = body
    ? [
        {
          name: "body",
          in: "body",
          ...(body.required ? { required: true } : {}),
          schema: schemaOf(body.kind, index),
        },
      ]
    : [];
  return {
    description,
    consumes: body?.consumes ?? ["*/*"],
    produces,
    schemes: ["https"],
    tags: [tag],
    operationId: id,
    parameters: [...bodyParameter, ...parameters.map(parameterV2)],
    responses: {
      ...Object.fromEntries(
        answers.map(([code, kind]) => [code, { description: ANSWERS[code], schema: schemaOf(kind, index) }]),
      ),
      401: { description: "Unauthorized" },
    },
    ...(action ? { "x-kubernetes-action": action } : {}),
    ...(gvk ? { "x-kubernetes-group-version-kind": gvk } : {}),
  };
}

const ANSWERS = { 200: "OK", 201: "Created", 202: "Accepted" } as const;

function schemaOf(kind: GroupVersionKind | undefined, index: DefinitionIndex): SwaggerSchema {
  const name = kind && index.nameOf(kind);
  return name ? reference(name) : { type: "string" };
}
