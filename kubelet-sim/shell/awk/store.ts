/** A string that looks like a number and came from input compares as one. */
export type Value = number | string | { text: string };

export const toText = (value: Value): string => {
  if (typeof value === "string") return value;
  if (typeof value !== "number") return value.text;
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
};

export const toNumber = (value: Value): number =>
  typeof value === "number" ? value : Number.parseFloat(toText(value)) || 0;

const looksNumeric = (text: string): boolean => /^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$/.test(text);

const isNumeric = (value: Value): boolean =>
  typeof value === "number" || (typeof value === "object" && (value.text === "" || looksNumeric(value.text)));

export const isTrue = (value: Value): boolean => {
  if (typeof value === "number") return value !== 0;
  if (typeof value === "string") return value !== "";
  return looksNumeric(value.text) ? Number(value.text) !== 0 : value.text !== "";
};

export function compareValues(operator: string, left: Value, right: Value): boolean {
  const numeric = isNumeric(left) && isNumeric(right);
  const [a, b] = numeric ? [toNumber(left), toNumber(right)] : [toText(left), toText(right)];
  switch (operator) {
    case "<":
      return a < b;
    case "<=":
      return a <= b;
    case "==":
      return a === b;
    case "!=":
      return a !== b;
    case ">":
      return a > b;
    default:
      return a >= b;
  }
}

/** Variables, arrays and the current record. */
export class AwkStore {
  readonly #variables = new Map<string, Value>([
    ["FS", " "],
    ["OFS", " "],
    ["ORS", "\n"],
    ["NR", 0],
    ["FNR", 0],
    ["SUBSEP", "\x1c"],
  ]);
  readonly #arrays = new Map<string, Map<string, Value>>();
  #record = "";
  #fields: string[] = [];

  nextRecord(text: string): void {
    this.#variables.set("NR", toNumber(this.get("NR")) + 1);
    this.#variables.set("FNR", toNumber(this.get("FNR")) + 1);
    this.setField(0, text);
  }

  get(name: string): Value {
    if (name === "NF") return this.#fields.length;
    return this.#variables.get(name) ?? { text: "" };
  }

  set(name: string, value: Value): void {
    if (name === "NF") {
      const count = Math.max(0, Math.min(10_000, toNumber(value)));
      this.#fields = Array.from({ length: count }, (_, i) => this.#fields[i] ?? "");
      this.#rebuild();
    } else this.#variables.set(name, value);
  }

  field(index: number): string {
    return index === 0 ? this.#record : (this.#fields[index - 1] ?? "");
  }

  fieldValue(index: number): Value {
    return { text: this.field(index) };
  }

  setField(index: number, text: string): void {
    if (index === 0) {
      this.#record = text;
      this.#fields = splitFields(text, toText(this.get("FS")));
      return;
    }
    if (index > 10_000) return;
    while (this.#fields.length < index) this.#fields.push("");
    this.#fields[index - 1] = text;
    this.#rebuild();
  }

  element(name: string, key: string): Value {
    const array = this.array(name);
    const value = array.get(key) ?? { text: "" };
    array.set(key, value);
    return value;
  }

  setElement(name: string, key: string, value: Value): void {
    this.array(name).set(key, value);
  }

  has(name: string, key: string): boolean {
    return this.array(name).has(key);
  }

  keys(name: string): string[] {
    return [...this.array(name).keys()];
  }

  delete(name: string, key: string | undefined): void {
    if (key === undefined) this.array(name).clear();
    else this.array(name).delete(key);
  }

  array(name: string): Map<string, Value> {
    let array = this.#arrays.get(name);
    if (!array) this.#arrays.set(name, (array = new Map()));
    return array;
  }

  #rebuild(): void {
    this.#record = this.#fields.join(toText(this.get("OFS")));
  }
}

export function splitFields(text: string, separator: string): string[] {
  if (separator === " ") return text.trim() === "" ? [] : text.trim().split(/\s+/);
  if (text === "") return [];
  return text.split(separator.length === 1 && separator !== "|" ? separator : new RegExp(separator));
}
