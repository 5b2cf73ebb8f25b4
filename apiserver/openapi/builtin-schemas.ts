import type { GroupVersionKind } from "../../machinery/api/resource.js";
import type { Schema, SchemaSource, ScalarType, Struct } from "../../machinery/api/schema/schema.js";
import { goTypeName } from "./go-types.js";
import {
  type Definition,
  definitionNames,
  keyOfKind,
  META,
  type Model,
  type PropertyType,
  shortName,
} from "./model.js";
import { loadModel } from "./model-file.js";

/** Kinds that requests to every group carry. */
const EVERY_GROUP = new Set(["DeleteOptions"]);

const SCALARS: Record<string, ScalarType> = {
  "io.k8s.apimachinery.pkg.api.resource.Quantity": "quantity",
  "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "intOrString",
  [`${META}Time`]: "time",
  [`${META}MicroTime`]: "microTime",
};

/** Schemas of the built-in kinds. Nothing is read or built before it is asked for. */
export class BuiltinSchemas implements SchemaSource {
  readonly #load: () => Model;
  readonly #structs = new Map<string, Struct>();
  readonly #roots = new Map<string, Schema>();
  #kinds: ReadonlyMap<string, string> | undefined;

  constructor(load: () => Model = loadModel) {
    this.#load = load;
  }

  schemaOf(gvk: GroupVersionKind): Schema | undefined {
    const name = EVERY_GROUP.has(gvk.kind) ? META + gvk.kind : this.#definitionOf(gvk);
    if (name === undefined) return undefined;
    const known = this.#roots.get(name);
    if (known) return known;
    const schema: Schema = { type: "struct", struct: this.#structOf(name) };
    this.#roots.set(name, schema);
    return schema;
  }

  #definitionOf(gvk: GroupVersionKind): string | undefined {
    this.#kinds ??= definitionNames(this.#load());
    return this.#kinds.get(keyOfKind(gvk));
  }

  #structOf(name: string): Struct {
    const known = this.#structs.get(name);
    if (known) return known;
    const definition = this.#load().definitions[name] ?? {};
    const struct = new ModelStruct(name, definition, (field, type) => this.#toSchema(name, field, type));
    this.#structs.set(name, struct);
    return struct;
  }

  #toSchema(definition: string, field: string, type: PropertyType): Schema {
    const schema = this.#shape(definition, field, type);
    const { marks } = type;
    if (!marks) return schema;
    return {
      ...schema,
      ...(marks.listType ? { listType: marks.listType } : {}),
      ...(marks.mapKeys ? { mapKeys: marks.mapKeys } : {}),
      ...(marks.mapType ? { mapType: marks.mapType } : {}),
      ...(marks.patch ? { patchStrategies: marks.patch } : {}),
      ...(marks.mergeKey ? { patchMergeKey: marks.mergeKey } : {}),
    };
  }

  #shape(definition: string, field: string, type: PropertyType): Schema {
    if (type.ref !== undefined) return this.#reference(type.ref);
    if (type.items) return { type: "list", items: this.#toSchema(definition, field, type.items) };
    if (type.additionalProperties) return this.#mapOf(definition, field, type.additionalProperties);
    if (type.type === "string" && type.format !== "byte") {
      const goType = goTypeName(shortName(definition), field, "string");
      if (!goType && !type.enum) return STRING;
      return { type: "string", ...(goType ? { goType } : {}), ...(type.enum ? { enum: type.enum } : {}) };
    }
    return PLAIN[type.format ?? type.type ?? "any"] ?? ANY;
  }

  #mapOf(definition: string, field: string, values: PropertyType): Schema {
    const items = this.#toSchema(definition, field, values);
    const goType =
      items.type === "quantity" ? goTypeName(shortName(definition), field, "quantities") : undefined;
    return { type: "map", items, ...(goType ? { goType } : {}) };
  }

  #reference(name: string): Schema {
    const scalar = SCALARS[name];
    if (scalar) return PLAIN[scalar] ?? { type: scalar };
    const definition = this.#load().definitions[name];
    return definition?.properties ? { type: "struct", struct: this.#structOf(name) } : ANY;
  }
}

const STRING: Schema = { type: "string" };
const ANY: Schema = { type: "any" };
/** One object for each plain form, by OpenAPI format or type. */
const PLAIN: Record<string, Schema> = {
  boolean: { type: "boolean" },
  int32: { type: "int32" },
  int64: { type: "int64" },
  integer: { type: "int64" },
  double: { type: "float64" },
  number: { type: "float64" },
  byte: { type: "bytes" },
  quantity: { type: "quantity" },
  intOrString: { type: "intOrString" },
  time: { type: "time" },
  microTime: { type: "microTime" },
};

/** Builds its fields on first use: most definitions are never touched. */
class ModelStruct implements Struct {
  readonly name: string;
  readonly goName: string;
  readonly goPackage: string;
  readonly required: readonly string[];
  readonly atomic: boolean;
  readonly #definition: Definition;
  readonly #toSchema: (field: string, type: PropertyType) => Schema;
  #fields: ReadonlyMap<string, Schema> | undefined;

  constructor(name: string, definition: Definition, toSchema: (field: string, type: PropertyType) => Schema) {
    this.name = name;
    this.goName = shortName(name);
    this.goPackage = name.split(".").at(-2) ?? "";
    this.required = definition.required ?? [];
    this.atomic = definition.mapType === "atomic";
    this.#definition = definition;
    this.#toSchema = toSchema;
  }

  get fields(): ReadonlyMap<string, Schema> {
    this.#fields ??= new Map(
      Object.entries(this.#definition.properties ?? {}).map(([field, type]) => [
        field,
        this.#toSchema(field, type),
      ]),
    );
    return this.#fields;
  }
}
