import type { GroupVersionKind } from "../resource.js";

/**
 * What the API knows about the form of its objects: enough to decode and prune them, to merge patches into them and to
 * track who owns which field. Built-in kinds and custom resources share it.
 */
export type ScalarType =
  | "string"
  | "boolean"
  | "int32"
  | "int64"
  | "float64"
  /** Base64 in JSON. */
  | "bytes"
  /** RFC 3339, whole seconds, UTC. */
  | "time"
  /** RFC 3339 with six fractional digits, UTC. */
  | "microTime"
  | "quantity"
  | "intOrString";

/** `any` keeps whatever it is given (RawExtension, FieldsV1, JSON). */
export type SchemaType = ScalarType | "struct" | "list" | "map" | "any";

export type ListType = "atomic" | "set" | "map";
export type PatchStrategy = "merge" | "replace" | "retainKeys";

/** A type as one field uses it, with the marks of that field. */
export interface Schema {
  readonly type: SchemaType;
  /** Set when `type` is struct. */
  readonly struct?: Struct;
  /** Element of a list, value of a map. */
  readonly items?: Schema;
  readonly listType?: ListType;
  /** Keys that identify an element of a list of type map. */
  readonly mapKeys?: readonly string[];
  readonly mapType?: "granular" | "atomic";
  readonly patchStrategies?: readonly PatchStrategy[];
  readonly patchMergeKey?: string;
  readonly enum?: readonly string[];
  /** Name of the Go type where messages show one that the form alone does not tell: `v1.Protocol`. */
  readonly goType?: string;
  /** JSON null is a value (custom resources only; built-in kinds drop it). */
  readonly nullable?: boolean;
}

/** A definition that fields share. */
export interface Struct {
  /** `io.k8s.api.core.v1.ServicePort`. */
  readonly name: string;
  /** `ServicePort`, as messages say it. */
  readonly goName: string;
  /** `v1`: the last part of the Go package. */
  readonly goPackage: string;
  readonly fields: ReadonlyMap<string, Schema>;
  readonly required: readonly string[];
  /** Replaced as a whole by server-side apply. */
  readonly atomic?: boolean;
  /** Fields that are not listed stay (x-kubernetes-preserve-unknown-fields). */
  readonly preserveUnknownFields?: boolean;
}

export interface SchemaSource {
  schemaOf(gvk: GroupVersionKind): Schema | undefined;
}

/** The schema under `name`: a struct's field, a map's value; undefined where nothing is declared. */
export function fieldSchema(schema: Schema | undefined, name: string): Schema | undefined {
  if (schema?.type === "struct") return schema.struct?.fields.get(name);
  return schema?.type === "map" ? schema.items : undefined;
}

/** What strategic merge does with a field. Lists merge only when told to. */
export interface MergeMarks {
  merge: boolean;
  replace: boolean;
  retainKeys: boolean;
  mergeKey: string | undefined;
}

export function mergeMarks(schema: Schema | undefined): MergeMarks {
  const strategies = schema?.patchStrategies ?? [];
  return {
    merge: strategies.includes("merge"),
    replace: strategies.includes("replace"),
    retainKeys: strategies.includes("retainKeys"),
    mergeKey: schema?.patchMergeKey,
  };
}

/** The type as Go prints it: `[]v1.ServicePort`, `map[string]string`. */
export function goTypeOf(schema: Schema): string {
  if (schema.goType) return schema.goType;
  switch (schema.type) {
    case "struct":
      return schema.struct ? `${schema.struct.goPackage}.${schema.struct.goName}` : "interface {}";
    case "list":
      return `[]${schema.items ? goTypeOf(schema.items) : "interface {}"}`;
    case "map":
      return `map[string]${schema.items ? goTypeOf(schema.items) : "interface {}"}`;
    case "boolean":
      return "bool";
    case "bytes":
      return "[]uint8";
    case "time":
      return "v1.Time";
    case "microTime":
      return "v1.MicroTime";
    case "quantity":
      return "resource.Quantity";
    case "intOrString":
      return "intstr.IntOrString";
    case "any":
      return "interface {}";
    case "string":
    case "int32":
    case "int64":
    case "float64":
      return schema.type;
    default: {
      const never: never = schema.type;
      return never;
    }
  }
}
