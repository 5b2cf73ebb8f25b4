import { readBody } from "../../machinery/api/http.js";
import type { CliCommand } from "../command.js";
import { type FlagSpecs, parseFlags } from "../flags.js";
import { connectionFlags, openSession, type Session } from "../objects/connection-flags.js";
import type { DiscoveredResource } from "../objects/resource-mapper.js";
import { UserError } from "../supervisor/cluster.js";

const flags = {
  ...connectionFlags,
  recursive: { kind: "bool", help: "Print the names of all fields below." },
} as const satisfies FlagSpecs;

interface OpenApiSchema {
  description?: string;
  type?: string;
  properties?: Record<string, OpenApiSchema>;
  required?: string[];
  items?: OpenApiSchema;
  additionalProperties?: OpenApiSchema;
  allOf?: { $ref?: string }[];
  $ref?: string;
  enum?: string[];
  "x-kubernetes-group-version-kind"?: { group: string; version: string; kind: string }[];
}
type Schemas = Readonly<Record<string, OpenApiSchema>>;

/** `kubesim explain pod.spec.containers [--recursive]`, from the server's OpenAPI v3. */
export const explainCommand: CliCommand = {
  async run(args, context) {
    const { flags: options, positionals } = parseFlags(args, flags);
    const [target] = positionals;
    if (!target)
      throw new UserError(
        'You must specify the type of resource to explain. Use "kubesim api-resources" for a complete list of supported resources.',
        2,
      );
    const session = await openSession(options, context);
    const [type = "", ...path] = target.split(".");
    const resource = session.mapper.byName(type);
    const schemas = await fetchSchemas(session, resource);
    context.stdout.write(explain(schemas, resource, path, options.recursive));
    return 0;
  },
};

async function fetchSchemas(session: Session, { descriptor }: DiscoveredResource): Promise<Schemas> {
  const path =
    descriptor.group === ""
      ? `/openapi/v3/api/${descriptor.version}`
      : `/openapi/v3/apis/${descriptor.apiVersion}`;
  const response = await session.client.request({ method: "GET", path });
  const document: unknown = JSON.parse(Buffer.from(await readBody(response.body)).toString("utf8"));
  return (document as { components?: { schemas?: Schemas } }).components?.schemas ?? {};
}

function explain(
  schemas: Schemas,
  { descriptor }: DiscoveredResource,
  path: readonly string[],
  recursive: boolean,
): string {
  const root = Object.values(schemas).find((schema) =>
    schema["x-kubernetes-group-version-kind"]?.some(
      ({ group, version, kind }) =>
        group === descriptor.group && version === descriptor.version && kind === descriptor.kind,
    ),
  );
  if (!root)
    throw new UserError(`couldn't find resource for "${descriptor.apiVersion}, Kind=${descriptor.kind}"`);
  let schema = root;
  let field: OpenApiSchema | undefined;
  for (const name of path) {
    const properties = elementOf(schema, schemas).properties ?? {};
    field = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (!field) throw new UserError(`field "${name}" does not exist`);
    schema = field;
  }
  const shape = elementOf(schema, schemas);
  const head = [
    ...(descriptor.group ? [`GROUP:      ${descriptor.group}`] : []),
    `KIND:       ${descriptor.kind}`,
    `VERSION:    ${descriptor.version}`,
    "",
    ...(field ? [`FIELD: ${path.at(-1)} <${typeName(field, schemas)}>`, ""] : []),
    "DESCRIPTION:",
    ...wrap(field?.description ?? shape.description ?? "<empty>", 4),
    "",
  ];
  const fields = fieldLines(shape, schemas, recursive, 1, new Set());
  return `${[...head, ...(fields.length > 0 ? ["FIELDS:", ...fields] : [])].join("\n")}\n`;
}

const refOf = (schema: OpenApiSchema): string | undefined =>
  (schema.$ref ?? schema.allOf?.[0]?.$ref)?.split("/").pop();

const resolve = (schema: OpenApiSchema, schemas: Schemas): OpenApiSchema => {
  const ref = refOf(schema);
  return ref === undefined ? schema : (schemas[ref] ?? schema);
};

/** What a field holds once lists and maps are looked into. */
function elementOf(schema: OpenApiSchema, schemas: Schemas): OpenApiSchema {
  const resolved = resolve(schema, schemas);
  const inner = resolved.items ?? resolved.additionalProperties;
  return inner ? elementOf(inner, schemas) : resolved;
}

function typeName(schema: OpenApiSchema, schemas: Schemas): string {
  const ref = refOf(schema);
  const resolved = resolve(schema, schemas);
  if (ref !== undefined && resolved.properties) return ref.split(".").pop() ?? "Object";
  if (resolved.items) return `[]${typeName(resolved.items, schemas)}`;
  if (resolved.additionalProperties) return `map[string]${typeName(resolved.additionalProperties, schemas)}`;
  if (ref !== undefined) return ref.split(".").pop() ?? "Object";
  return resolved.type ?? "Object";
}

function fieldLines(
  shape: OpenApiSchema,
  schemas: Schemas,
  recursive: boolean,
  depth: number,
  seen: ReadonlySet<OpenApiSchema>,
): string[] {
  const indent = "  ".repeat(depth);
  return Object.entries(shape.properties ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, schema]) => {
      const required = shape.required?.includes(name) ? " -required-" : "";
      const line = `${indent}${name}\t<${typeName(schema, schemas)}>${required}`;
      const inner = elementOf(schema, schemas);
      if (recursive)
        return [
          line,
          ...(seen.has(inner) ? [] : fieldLines(inner, schemas, true, depth + 1, new Set([...seen, inner]))),
        ];
      return [line, ...wrap(schema.description ?? "<no description>", 4), ""];
    });
}

const WIDTH = 80;

function wrap(text: string, indent: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line && line.length + 1 + word.length > WIDTH - indent) {
      lines.push(line);
      line = word;
    } else line = line ? `${line} ${word}` : word;
  }
  return [...lines, line].map((wrapped) => " ".repeat(indent) + wrapped);
}
