import { EVERY_FIELD, type FieldSelector, matchesFields, requiredValue } from "../../machinery/api/fields.js";
import { EVERYTHING, isEverything, matchesLabels, type Selector } from "../../machinery/api/labels.js";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import type { KeyValue } from "../storage/storage.js";
import { Memo } from "./object-bytes.js";
import type { ServedResource } from "./serve.js";

/** Which objects a list, a watch or a deletecollection is about. */
export interface Selection {
  /** Absent or "" is every namespace. */
  namespace?: string | undefined;
  labels?: Selector;
  fields?: FieldSelector;
}

/** Parses stored values at most once, whoever asks: selectors, tables, lookups. All that it returns is shared and read-only. */
export class ObjectView<T extends KubeObject> {
  readonly #resource: ServedResource<T>;
  readonly #objects: Memo<T>;
  readonly #fields: Memo<Readonly<Record<string, string>>>;

  constructor(resource: ServedResource<T>, parse: (item: KeyValue) => T) {
    this.#resource = resource;
    this.#objects = new Memo(parse);
    this.#fields = new Memo((item) => this.#fieldsOf(this.#objects.of(item)));
  }

  object(item: KeyValue): T {
    return this.#objects.of(item);
  }

  /** Undefined when every object matches, so that callers need not parse. */
  matcher({
    labels = EVERYTHING,
    fields = EVERY_FIELD,
  }: Selection): ((item: KeyValue) => boolean) | undefined {
    const byLabel = !isEverything(labels);
    const byField = fields.requirements.length > 0;
    if (!byLabel && !byField) return undefined;
    return (item) =>
      (!byField || matchesFields(fields, this.#fields.of(item))) &&
      (!byLabel || matchesLabels(labels, this.#objects.of(item).metadata.labels));
  }

  /** The one name that a selection can match, if it pins it. */
  pinnedName(selection: Selection): string | undefined {
    return selection.fields && requiredValue(selection.fields, "metadata.name");
  }

  #fieldsOf(object: T): Readonly<Record<string, string>> {
    return {
      ...this.#resource.fieldsOf?.(object),
      "metadata.name": object.metadata.name,
      "metadata.namespace": object.metadata.namespace ?? "",
    };
  }
}
