import type { KubeObject, ObjectMeta } from "../../machinery/api/meta-v1.js";
import { newBadRequest } from "../../machinery/api/status.js";
import type { ServedResource } from "../registry/serve.js";

export type IncludeObject = "None" | "Metadata" | "Object";

export function includeObjectOf(query: URLSearchParams): IncludeObject {
  const value = query.get("includeObject") || "Metadata";
  if (value === "None" || value === "Metadata" || value === "Object") return value;
  throw newBadRequest(`unrecognized includeObject value: ${JSON.stringify(value)}`);
}

const partials = new WeakMap<object, string>();

/** An object's metadata alone, as JSON; made once for each shared object. */
export function partialObjectMetadata(object: KubeObject): string {
  let text = partials.get(object);
  if (text === undefined) {
    text = `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":${JSON.stringify(object.metadata)}}`;
    partials.set(object, text);
  }
  return text;
}

export interface TableOptions {
  include: IncludeObject;
  nowMs: number;
  /** Watches send the columns with their first event only. */
  withColumns: boolean;
  metadata: Partial<Record<string, string | number>>;
}

/** meta.k8s.io/v1 Table, what kubectl prints. */
export function tableBytes<T extends KubeObject>(
  resource: ServedResource<T>,
  objects: readonly T[],
  { include, nowMs, withColumns, metadata }: TableOptions,
): Uint8Array {
  const rows = objects.map((object) => {
    const cells = JSON.stringify(resource.row(object, nowMs));
    return include === "None"
      ? `{"cells":${cells}}`
      : `{"cells":${cells},"object":${include === "Object" ? JSON.stringify(object) : partialObjectMetadata(object)}}`;
  });
  const columns = withColumns ? columnDefinitions(resource) : "null";
  return Buffer.from(
    `{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":${JSON.stringify(metadata)},"columnDefinitions":${columns},"rows":[${rows.join(",")}]}\n`,
  );
}

const columnTexts = new WeakMap<object, string>();

function columnDefinitions<T extends KubeObject>({ columns }: ServedResource<T>): string {
  let text = columnTexts.get(columns);
  if (text === undefined) {
    const definitions = columns.map((column) => ({
      name: column.name,
      type: column.type === "date" ? "string" : column.type,
      format: column.format ?? (column.name === "Name" ? "name" : ""),
      description: column.description,
      priority: column.priority ?? 0,
    }));
    text = JSON.stringify(definitions);
    columnTexts.set(columns, text);
  }
  return text;
}

/** Metadata that single objects give their table. */
export const tableMetadata = ({ resourceVersion }: ObjectMeta): Record<string, string> =>
  resourceVersion ? { resourceVersion } : {};

export const partialBytes = (object: KubeObject): Uint8Array =>
  Buffer.from(`${partialObjectMetadata(object)}\n`);

/** PartialObjectMetadataList. */
export const partialListBytes = (objects: readonly KubeObject[], metadata: object): Uint8Array =>
  Buffer.concat([
    Buffer.from(
      `{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":${JSON.stringify(metadata)},"items":[`,
    ),
    Buffer.from(objects.map(partialObjectMetadata).join(",")),
    Buffer.from("]}\n"),
  ]);
