import type { PropertyType } from "./model.js";

/** What a published `.d.ts` file says about one model. */
export interface Declaration {
  description: string;
  properties: Map<string, { type: PropertyType; optional: boolean; description: string }> | undefined;
  /** The aliased type, when the model is not an object. */
  alias: string | undefined;
  /** Names by which other files call it: `IIoK8sApiCoreV1Pod`, and `IPod` by itself. */
  exportedAs: string;
  localName: string;
}

const COMMENT = /\/\*\*([\s\S]*?)\*\//y;
const INTERFACE = /^(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*)?export interface (\w+)[^{]*\{\n([\s\S]*?)^\}/m;
const ALIAS = /^(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*)?export type (\w+) = ([^;{}]+);/m;
const EXPORTED = /^export type \{ (\w+) as (\w+)/m;

/** Undefined for files without a model (index files). References stay as the names used in the file. */
export function readDeclaration(text: string): Declaration | undefined {
  const exported = EXPORTED.exec(text);
  if (!exported) return undefined;
  const names = { localName: exported[1] ?? "", exportedAs: exported[2] ?? "" };
  const object = INTERFACE.exec(text);
  if (object)
    return {
      ...names,
      description: readComment(object[1] ?? ""),
      properties: readProperties(object[3] ?? ""),
      alias: undefined,
    };
  const alias = ALIAS.exec(text);
  return alias
    ? { ...names, description: readComment(alias[1] ?? ""), properties: undefined, alias: alias[3] ?? "" }
    : undefined;
}

function readComment(comment: string): string {
  return comment
    .split("\n")
    .map((line) => line.replace(/^\s*\* ?/, ""))
    .join("\n")
    .trim()
    .replaceAll(/\\([*/])/g, "$1");
}

function readProperties(body: string): NonNullable<Declaration["properties"]> {
  const properties: NonNullable<Declaration["properties"]> = new Map();
  const reader = new TypeReader(body);
  for (;;) {
    const description = reader.comment();
    const name = reader.match(/"([^"]+)"/y) ?? reader.match(/([\w$]+)/y);
    if (name === undefined) return properties;
    const optional = reader.match(/(\?)/y) !== undefined;
    reader.expect(/(:)/y);
    properties.set(name, { type: reader.type(), optional, description });
    reader.expect(/(;)/y);
  }
}

export const readType = (text: string): PropertyType => new TypeReader(text).type();

class TypeReader {
  readonly #text: string;
  #at = 0;
  constructor(text: string) {
    this.#text = text;
  }

  match(pattern: RegExp): string | undefined {
    while (/\s/.test(this.#text[this.#at] ?? "")) this.#at++;
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (!found) return undefined;
    this.#at = pattern.lastIndex;
    return found[1] ?? "";
  }

  expect(pattern: RegExp): void {
    if (this.match(pattern) === undefined)
      throw new Error(`unexpected declaration: ${this.#text.slice(this.#at, this.#at + 60)}`);
  }

  comment(): string {
    const comment = this.match(COMMENT);
    return comment === undefined ? "" : readComment(comment);
  }

  type(): PropertyType {
    const values: string[] = [];
    let type: PropertyType | undefined;
    do {
      const literal = this.match(/"((?:[^"\\]|\\.)*)"/y);
      if (literal !== undefined) values.push(literal);
      else type = { ...type, ...this.#single() };
    } while (this.match(/(\|)/y) !== undefined);
    return values.length > 0 ? { type: "string", enum: values } : (type ?? {});
  }

  #single(): PropertyType {
    if (this.match(/(Array<)/y) !== undefined) {
      const items = this.type();
      this.expect(/(>)/y);
      return { type: "array", items };
    }
    if (this.match(/(\{)/y) !== undefined) return this.#map();
    const word = this.match(/(\w+)/y) ?? "";
    if (word === "string" || word === "boolean" || word === "number") return { type: word };
    if (word === "any" || word === "unknown" || word === "object") return { type: "object" };
    return { ref: word };
  }

  #map(): PropertyType {
    if (this.match(/(\})/y) !== undefined) return { type: "object" };
    if (this.match(/(\[key: string\]:)/y) === undefined) return this.#inlined();
    const additionalProperties = this.type();
    this.match(/(;)/y);
    this.expect(/(\})/y);
    return { type: "object", additionalProperties };
  }

  /** An object type written out in place: its members are of no use without a name. */
  #inlined(): PropertyType {
    for (let open = 1; open > 0; ) {
      if (this.match(COMMENT) !== undefined || this.match(/([^{}/]+)/y) !== undefined) continue;
      const brace = this.match(/([{}])/y);
      if (brace === undefined) this.expect(/(\/)/y);
      else open += brace === "{" ? 1 : -1;
    }
    return { type: "object" };
  }
}
