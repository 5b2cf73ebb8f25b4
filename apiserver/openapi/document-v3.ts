import type { GroupVersionKind } from "../../machinery/api/resource.js";
import type { ServedVersion } from "../discovery/groups.js";
import { type DefinitionIndex, described, extensionsOf } from "./definitions.js";
import { META, type PropertyType } from "./model.js";
import type { Operation, PathItem } from "./operation.js";
import type { Parameter } from "./parameters.js";
import { pathsOf } from "./paths.js";

/** The OpenAPI v3 document of one group version, complete in itself. */
export function documentV3(
  served: ServedVersion,
  all: readonly ServedVersion[],
  index: DefinitionIndex,
  version: string,
): object {
  const paths = pathsOf(served);
  const names = index.reachable(paths, [`${META}WatchEvent`]);
  return {
    openapi: "3.0.0",
    info: { title: "Kubernetes", version },
    paths: Object.fromEntries(paths.map((item) => [item.path, pathItem(item, index)])),
    components: {
      schemas: Object.fromEntries(names.map((name) => [name, schemaV3(name, index, all)])),
      securitySchemes: {
        BearerToken: {
          type: "apiKey",
          description: "Bearer Token authentication",
          name: "authorization",
          in: "header",
        },
      },
    },
  };
}

/** Types that are no objects, as v3 can say them. */
const ONE_OF: Record<string, object> = {
  "io.k8s.apimachinery.pkg.api.resource.Quantity": { oneOf: [{ type: "string" }, { type: "number" }] },
  "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {
    format: "int-or-string",
    oneOf: [{ type: "integer" }, { type: "string" }],
  },
};

function schemaV3(name: string, index: DefinitionIndex, all: readonly ServedVersion[]): object {
  const definition = index.get(name);
  const kinds = index.kindsOf(name, all);
  const properties = Object.entries(definition.properties ?? {}).map(([property, type]) => [
    property,
    { ...described(index.describe(name, property)), ...propertyV3(type) },
  ]);
  return {
    ...described(index.describe(name)),
    ...(ONE_OF[name] ?? {
      ...(definition.type ? { type: definition.type } : {}),
      ...(definition.format ? { format: definition.format } : {}),
    }),
    ...(definition.required ? { required: definition.required } : {}),
    ...(properties.length > 0 ? { properties: Object.fromEntries(properties) as object } : {}),
    ...(kinds.length > 0 ? { "x-kubernetes-group-version-kind": kinds } : {}),
    ...(definition.mapType ? { "x-kubernetes-map-type": definition.mapType } : {}),
  };
}

/** A reference stands inside allOf: v3 knows nothing beside $ref. */
function propertyV3(type: PropertyType): object {
  if (type.ref !== undefined) return { allOf: [reference(type.ref)], ...extensionsOf(type) };
  return {
    ...(type.type ? { type: type.type } : {}),
    ...(type.format ? { format: type.format } : {}),
    ...(type.enum ? { enum: type.enum } : {}),
    ...(type.items ? { items: elementV3(type.items) } : {}),
    ...(type.additionalProperties ? { additionalProperties: elementV3(type.additionalProperties) } : {}),
    ...extensionsOf(type),
  };
}

const elementV3 = (type: PropertyType): object =>
  type.ref === undefined ? propertyV3(type) : reference(type.ref);
const reference = (name: string): object => ({ $ref: `#/components/schemas/${name}` });

const pathItem = ({ parameters, operations }: PathItem, index: DefinitionIndex): object => ({
  ...Object.fromEntries(operations.map((operation) => [operation.method, operationV3(operation, index)])),
  ...(parameters.length > 0 ? { parameters: parameters.map(parameterV3) } : {}),
});

const parameterV3 = ({ name, in: place, type, description }: Parameter): object => ({
  name,
  in: place,
  description,
  ...(place === "path" ? { required: true } : {}),
  schema: { type, uniqueItems: true },
});

function operationV3(operation: Operation, index: DefinitionIndex): object {
  const { id, description, action, gvk, tag, parameters, body, answers, produces } = operation;
  return {
    tags: [tag],
    description,
    operationId: id,
    ...(parameters.length > 0 ? { parameters: parameters.map(parameterV3) } : {}),
    ...(body
      ? {
          requestBody: {
            content: Object.fromEntries(body.consumes.map((type) => [type, content(body.kind, index)])),
            ...(body.required ? { required: true } : {}),
          },
        }
      : {}),
    responses: {
      ...Object.fromEntries(
        answers.map(([code, kind]) => [
          code,
          {
            description: ANSWERS[code],
            content: Object.fromEntries(produces.map((type) => [type, content(kind, index)])),
          },
        ]),
      ),
      401: { description: "Unauthorized" },
    },
    ...(action ? { "x-kubernetes-action": action } : {}),
    ...(gvk ? { "x-kubernetes-group-version-kind": gvk } : {}),
  };
}

const ANSWERS = { 200: "OK", 201: "Created", 202: "Accepted" } as const;

function content(kind: GroupVersionKind | undefined, index: DefinitionIndex): object {
  const name = kind && index.nameOf(kind);
  return { schema: name ? reference(name) : { type: "string" } };
}
