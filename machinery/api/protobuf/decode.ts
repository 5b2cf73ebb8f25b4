import { setOwn } from "../deep-equal.js";
import { type GroupVersionKind, parseGroupVersion } from "../resource.js";
import type { Schema, SchemaSource, Struct } from "../schema/schema.js";
import { fieldNumbers } from "./field-numbers.js";
import { ProtobufError, readFields, readPacked } from "./wire.js";

const MAGIC = [0x6b, 0x38, 0x73, 0x00];
const text = new TextDecoder();

type Fields = Record<string, unknown>;

/** The JSON value of an object in Kubernetes' protobuf envelope. Throws ProtobufError. */
export function decodeProtobuf(bytes: Uint8Array, source: SchemaSource): Fields {
  if (!MAGIC.every((byte, i) => bytes[i] === byte))
    throw new ProtobufError(
      "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]",
    );
  const { gvk, apiVersion, raw } = openEnvelope(bytes.subarray(MAGIC.length));
  const schema = source.schemaOf(gvk);
  if (!schema?.struct)
    throw new ProtobufError(`no kind "${gvk.kind}" is registered for version "${apiVersion}"`);
  return { apiVersion, kind: gvk.kind, ...decodeMessage(raw, schema.struct) };
}

/** runtime.Unknown: type, then the object's own bytes. */
function openEnvelope(bytes: Uint8Array): { gvk: GroupVersionKind; apiVersion: string; raw: Uint8Array } {
  let apiVersion = "";
  let kind = "";
  let raw: Uint8Array = new Uint8Array();
  for (const { number, value } of readFields(bytes)) {
    if (!(value instanceof Uint8Array)) continue;
    if (number === 2) raw = value;
    if (number !== 1) continue;
    for (const type of readFields(value)) {
      if (type.number === 1) apiVersion = toText(type.value);
      if (type.number === 2) kind = toText(type.value);
    }
  }
  return { gvk: { ...parseGroupVersion(apiVersion), kind }, apiVersion, raw };
}

/** `io.k8s.api.core.v1.PodSpec` to `core.v1.PodSpec`. */
const messageName = ({ name }: Struct): string => name.split(".").slice(-3).join(".");

const decodeMessage = (bytes: Uint8Array, struct: Struct): Fields => {
  const target: Fields = {};
  fill(target, bytes, struct, messageName(struct));
  return target;
};

function fill(target: Fields, bytes: Uint8Array, struct: Struct, message: string): void {
  const numbers = fieldNumbers(message);
  if (!numbers) throw new ProtobufError(`this server cannot read ${message} as protobuf; send JSON`);
  for (const { number, value } of readFields(bytes)) {
    const field = numbers.get(number);
    if (field?.embeds !== undefined) {
      fill(target, toBytes(value), struct, field.embeds);
      continue;
    }
    const schema = field && struct.fields.get(field.name);
    if (!schema)
      throw new ProtobufError(`this server cannot read field ${number} of ${message} as protobuf; send JSON`);
    add(target, field.name, value, schema, field.pointer);
  }
}

function add(
  target: Fields,
  name: string,
  value: bigint | Uint8Array,
  schema: Schema,
  pointer: boolean,
): void {
  if (schema.type === "list") {
    const list = (target[name] ??= []) as unknown[];
    list.push(...elements(value, schema.items ?? { type: "any" }));
  } else if (schema.type === "map") {
    const entry = mapEntry(toBytes(value), schema.items ?? { type: "any" });
    setOwn((target[name] ??= {}) as Fields, entry.key, entry.value);
  } else {
    const decoded = decodeValue(value, schema);
    if (decoded !== undefined && (pointer || !isZero(decoded))) target[name] = decoded;
  }
}

const isZero = (value: unknown): boolean => value === "" || value === 0 || value === false;

/** Numbers may come packed. */
function elements(value: bigint | Uint8Array, items: Schema): unknown[] {
  const isNumber = items.type === "int32" || items.type === "int64" || items.type === "boolean";
  if (isNumber && value instanceof Uint8Array)
    return [...readPacked(value)].map((one) => decodeValue(one, items));
  return [decodeValue(value, items)];
}

function mapEntry(bytes: Uint8Array, items: Schema): { key: string; value: unknown } {
  let key = "";
  let value: unknown = items.type === "struct" ? {} : items.type === "list" ? [] : "";
  for (const field of readFields(bytes)) {
    if (field.number === 1) key = toText(field.value);
    if (field.number === 2)
      value =
        items.type === "list" ? wrappedList(toBytes(field.value), items) : decodeValue(field.value, items);
  }
  return { key, value };
}

/** A list as a map's value is a message of its own (ExtraValue). */
const wrappedList = (bytes: Uint8Array, { items = { type: "any" } }: Schema): unknown[] =>
  [...readFields(bytes)].map(({ value }) => decodeValue(value, items));

function decodeValue(value: bigint | Uint8Array, schema: Schema): unknown {
  switch (schema.type) {
    case "string":
      return toText(value);
    case "boolean":
      return value !== 0n;
    case "int32":
    case "int64":
      return toNumber(value);
    case "float64":
      return toDouble(value);
    case "bytes":
      return Buffer.from(toBytes(value)).toString("base64");
    case "time":
    case "microTime":
      return toTime(toBytes(value), schema.type === "microTime");
    case "quantity":
      return single(toBytes(value)) ?? "0";
    case "intOrString":
      return toIntOrString(toBytes(value));
    case "struct":
      return schema.struct ? decodeMessage(toBytes(value), schema.struct) : undefined;
    case "any":
      return toJson(toBytes(value));
    case "list":
    case "map":
      throw new ProtobufError("this server cannot read lists of lists as protobuf; send JSON");
  }
}

function toBytes(value: bigint | Uint8Array): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new ProtobufError("proto: wrong wireType = 0");
}

const toText = (value: bigint | Uint8Array): string => text.decode(toBytes(value));

function toNumber(value: bigint | Uint8Array): number {
  if (typeof value === "bigint") return Number(value);
  throw new ProtobufError("proto: wrong wireType = 2");
}

function toDouble(value: bigint | Uint8Array): number {
  if (typeof value !== "bigint") throw new ProtobufError("proto: wrong wireType = 2");
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes.readDoubleLE();
}

/** The string in field 1. */
function single(bytes: Uint8Array): string | undefined {
  for (const { number, value } of readFields(bytes)) if (number === 1) return toText(value);
  return undefined;
}

/** Seconds and nanoseconds; no bytes at all is Go's zero time, which JSON leaves out. */
function toTime(bytes: Uint8Array, fraction: boolean): string | undefined {
  if (bytes.length === 0) return undefined;
  let seconds = 0;
  let nanos = 0;
  for (const { number, value } of readFields(bytes)) {
    if (number === 1) seconds = toNumber(value);
    if (number === 2) nanos = toNumber(value);
  }
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19);
  return fraction ? `${whole}.${String(Math.floor(nanos / 1000)).padStart(6, "0")}Z` : `${whole}Z`;
}

function toIntOrString(bytes: Uint8Array): number | string {
  let isText = false;
  let number = 0;
  let string = "";
  for (const field of readFields(bytes)) {
    if (field.number === 1) isText = field.value !== 0n;
    if (field.number === 2) number = toNumber(field.value);
    if (field.number === 3) string = toText(field.value);
  }
  return isText ? string : number;
}

/** RawExtension and FieldsV1 hold JSON in field 1. */
function toJson(bytes: Uint8Array): unknown {
  const json = single(bytes);
  if (!json) return undefined;
  try {
    return JSON.parse(json);
  } catch {
    throw new ProtobufError("raw JSON in protobuf cannot be parsed");
  }
}
