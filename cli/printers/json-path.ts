import { UserError } from "../supervisor/cluster.js";

// kubectl's JSONPath dialect (client-go util/jsonpath): templates with text, `{.a.b}`, `{range}`…`{end}`, filters.

type Step =
  | { kind: "field"; name: string }
  | { kind: "wildcard" }
  | { kind: "recursive"; name: string }
  | { kind: "index"; index: number }
  | { kind: "slice"; from?: number; to?: number; step: number }
  | { kind: "union"; names: (string | number)[] }
  | { kind: "filter"; left: Operand; operator?: string; right?: Operand };
type Operand = { path: Step[]; fromRoot: boolean } | { value: unknown };
type Node =
  | { kind: "text"; text: string }
  | { kind: "path"; steps: Step[]; fromRoot: boolean }
  | { kind: "range"; steps: Step[]; body: Node[] };

/** Renders a template such as `{range .items[*]}{.metadata.name}{"\n"}{end}`. Throws UserError on a broken template. */
export function renderJsonPath(
  template: string,
  root: unknown,
  options: { allowMissing: boolean } = { allowMissing: true },
): string {
  const nodes = new Parser(normalise(template)).parse();
  return renderNodes(nodes, root, root, options.allowMissing);
}

/** Values that one bare path (no braces needed) finds: for custom columns, sorting and waiting. */
export function findByPath(path: string, root: unknown): unknown[] {
  const nodes = new Parser(normalise(path)).parse();
  const [node] = nodes;
  if (nodes.length !== 1 || node?.kind !== "path")
    throw new UserError(
      `unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'`,
    );
  return walk(node.steps, [root], root);
}

/** kubectl accepts `x.y`, `.x.y`, `{x.y}` and `{.x.y}` (get.RelaxedJSONPathExpression). */
function normalise(text: string): string {
  if (text.includes("{")) return text;
  return `{${text.startsWith(".") || text.startsWith("[") || text.startsWith("$") ? text : `.${text}`}}`;
}

function renderNodes(nodes: readonly Node[], current: unknown, root: unknown, allowMissing: boolean): string {
  return nodes
    .map((node) => {
      switch (node.kind) {
        case "text":
          return node.text;
        case "path": {
          const found = walk(node.steps, [node.fromRoot ? root : current], root);
          if (found.length === 0 && !allowMissing) {
            const last = node.steps.at(-1);
            throw new UserError(
              `error executing jsonpath: ${last?.kind === "field" ? last.name : "path"} is not found`,
            );
          }
          return found.map(show).join(" ");
        }
        case "range":
          return walk(node.steps, [current], root)
            .map((item) => renderNodes(node.body, item, root, allowMissing))
            .join("");
      }
    })
    .join("");
}

const show = (value: unknown): string =>
  typeof value === "string" ? value : value === null || value === undefined ? "" : JSON.stringify(value);

function walk(steps: readonly Step[], start: readonly unknown[], root: unknown): unknown[] {
  return steps.reduce<readonly unknown[]>(
    (values, step) => values.flatMap((value) => stepFrom(value, step, root)),
    start,
  ) as unknown[];
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const ownValue = (value: unknown, name: string): unknown[] =>
  isRecord(value) && Object.hasOwn(value, name) ? [value[name]] : [];
const at = (values: readonly unknown[], index: number): unknown[] => {
  const position = index < 0 ? values.length + index : index;
  return position >= 0 && position < values.length ? [values[position]] : [];
};

function stepFrom(value: unknown, step: Step, root: unknown): unknown[] {
  switch (step.kind) {
    case "field":
      return ownValue(value, step.name);
    case "wildcard":
      return Array.isArray(value) ? value : isRecord(value) ? Object.values(value) : [];
    case "recursive":
      return descend(value).flatMap((found) => ownValue(found, step.name));
    case "index":
      return Array.isArray(value) ? at(value, step.index) : [];
    case "slice":
      return Array.isArray(value) ? sliceOf(value, step) : [];
    case "union":
      return step.names.flatMap((name) =>
        typeof name === "number" ? (Array.isArray(value) ? at(value, name) : []) : ownValue(value, name),
      );
    case "filter":
      return Array.isArray(value) ? value.filter((item) => passes(item, step, root)) : [];
  }
}

function sliceOf(
  values: readonly unknown[],
  { from, to, step }: { from?: number; to?: number; step: number },
): unknown[] {
  const absolute = (index: number): number => Math.max(0, index < 0 ? values.length + index : index);
  return values
    .slice(absolute(from ?? 0), to === undefined ? undefined : absolute(to))
    .filter((_, i) => i % step === 0);
}

const descend = (value: unknown): unknown[] => {
  if (Array.isArray(value)) return value.flatMap(descend);
  return isRecord(value) ? [value, ...Object.values(value).flatMap(descend)] : [];
};

function passes(item: unknown, filter: Extract<Step, { kind: "filter" }>, root: unknown): boolean {
  const valuesOf = (operand: Operand): unknown[] =>
    "value" in operand ? [operand.value] : walk(operand.path, [operand.fromRoot ? root : item], root);
  const left = valuesOf(filter.left);
  if (!filter.operator || !filter.right) return left.length > 0;
  const a = left[0] as number;
  const b = valuesOf(filter.right)[0] as number;
  if (left.length === 0) return filter.operator === "!=";
  switch (filter.operator) {
    case "==":
      return a === b;
    case "!=":
      return a !== b;
    case "<":
      return a < b;
    case ">":
      return a > b;
    case "<=":
      return a <= b;
    default:
      return a >= b;
  }
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): Node[] {
    const { nodes, ended } = this.#nodes();
    if (ended) throw new UserError("error parsing jsonpath: not in range, nothing to end");
    return nodes;
  }

  #nodes(): { nodes: Node[]; ended: boolean } {
    const nodes: Node[] = [];
    while (this.#at < this.#text.length) {
      const open = this.#text.indexOf("{", this.#at);
      if (open !== this.#at) {
        const end = open < 0 ? this.#text.length : open;
        nodes.push({ kind: "text", text: this.#text.slice(this.#at, end) });
        this.#at = end;
        continue;
      }
      const action = this.#action();
      if (action === "end") return { nodes, ended: true };
      if (/^range\s/.test(action)) {
        const steps = new PathReader(action.slice(6).trim()).read().steps;
        const body = this.#nodes();
        if (!body.ended) throw new UserError("error parsing jsonpath: unclosed range");
        nodes.push({ kind: "range", steps, body: body.nodes });
      } else nodes.push(...actionNodes(action));
    }
    return { nodes, ended: false };
  }

  /** The text between braces, quotes respected. */
  #action(): string {
    let quote = "";
    for (let i = this.#at + 1; i < this.#text.length; i++) {
      const letter = this.#text.charAt(i);
      if (letter === "\\" && quote) i++;
      else if (quote) quote = letter === quote ? "" : quote;
      else if (letter === '"' || letter === "'") quote = letter;
      else if (letter === "}") {
        const action = this.#text.slice(this.#at + 1, i).trim();
        this.#at = i + 1;
        return action;
      }
    }
    throw new UserError("error parsing jsonpath: unclosed action");
  }
}

function actionNodes(action: string): Node[] {
  if (/^".*"$|^'.*'$/s.test(action)) return [{ kind: "text", text: unquote(action) }];
  return [{ kind: "path", ...new PathReader(action).read() }];
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  "\\": "\\",
  '"': '"',
  "'": "'",
};
const unquote = (text: string): string =>
  text.slice(1, -1).replace(/\\(.)/g, (_, letter: string) => ESCAPES[letter] ?? letter);

class PathReader {
  #rest: string;
  readonly #whole: string;

  constructor(text: string) {
    this.#rest = text;
    this.#whole = text;
  }

  read(): { steps: Step[]; fromRoot: boolean } {
    const fromRoot = this.#take(/^\$/) !== undefined;
    if (!fromRoot) this.#take(/^@/);
    const steps: Step[] = [];
    while (this.#rest !== "") steps.push(...this.#step());
    return { steps, fromRoot };
  }

  #step(): Step[] {
    const recursive = this.#take(/^\.\.((?:\\.|[^.[\]\\\s])+)/);
    if (recursive) return [{ kind: "recursive", name: unescapeName(recursive[1] ?? "") }];
    if (this.#take(/^\.?\*/)) return [{ kind: "wildcard" }];
    const name = this.#take(/^\.?((?:\\.|[^.[\]\\\s])+)/);
    if (name) return [{ kind: "field", name: unescapeName(name[1] ?? "") }];
    if (this.#take(/^\.(?=$|\[)/)) return [];
    const filter = this.#take(/^\[\?\((.*?)\)\]/s);
    if (filter) return [parseFilter(filter[1] ?? "")];
    const bracket = this.#take(/^\[((?:'[^']*'|"[^"]*"|[^\]])*)\]/);
    if (bracket) return [parseBracket((bracket[1] ?? "").trim())];
    throw new UserError(
      `error parsing jsonpath ${this.#whole}, unrecognized character in action: ${this.#rest.charAt(0)}`,
    );
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    const match = pattern.exec(this.#rest);
    if (!match) return undefined;
    this.#rest = this.#rest.slice(match[0].length);
    return match;
  }
}

const unescapeName = (name: string): string => name.replace(/\\(.)/g, "$1");

function parseBracket(text: string): Step {
  if (text === "*") return { kind: "wildcard" };
  const slice = /^(-?\d*):(-?\d*)(?::(\d+))?$/.exec(text);
  if (slice) {
    return {
      kind: "slice",
      ...(slice[1] ? { from: Number(slice[1]) } : {}),
      ...(slice[2] ? { to: Number(slice[2]) } : {}),
      step: Math.max(1, Number(slice[3] ?? 1)),
    };
  }
  if (/^-?\d+$/.test(text)) return { kind: "index", index: Number(text) };
  const names = text.split(",").map((part) => {
    const trimmed = part.trim();
    return /^-?\d+$/.test(trimmed) ? Number(trimmed) : trimmed.replace(/^(['"])(.*)\1$/, "$2");
  });
  return { kind: "union", names };
}

function parseFilter(text: string): Step {
  const match = /^(.+?)\s*(==|!=|<=|>=|<|>)\s*(.+)$/s.exec(text.trim());
  if (!match) return { kind: "filter", left: parseOperand(text.trim()) };
  return {
    kind: "filter",
    left: parseOperand(match[1] ?? ""),
    operator: match[2] ?? "",
    right: parseOperand((match[3] ?? "").trim()),
  };
}

function parseOperand(text: string): Operand {
  if (/^".*"$|^'.*'$/s.test(text)) return { value: unquote(text) };
  if (/^-?\d+(\.\d+)?$/.test(text)) return { value: Number(text) };
  if (text === "true" || text === "false") return { value: text === "true" };
  const { steps, fromRoot } = new PathReader(text).read();
  return { path: steps, fromRoot };
}
