/** One line of a Corefile and the block in braces after it. */
export interface Directive {
  name: string;
  args: readonly string[];
  body: readonly Directive[];
  line: number;
}

/** `example.org:53 .:1053 { … }` */
export interface ServerBlock {
  keys: readonly string[];
  directives: readonly Directive[];
  line: number;
}

/** What CoreDNS prints before it exits: `Corefile:3 - Error during parsing: …`. */
export class CorefileError extends Error {
  override readonly name = "CorefileError";
  constructor(path: string, line: number, problem: string) {
    super(`${path}:${line} - Error during parsing: ${problem}`);
  }
}

interface Token {
  text: string;
  line: number;
}

const DEEPEST_BLOCK = 16;
const MOST_DIRECTIVES = 10_000;

// Upstream: github.com/coredns/caddy caddyfile lexer and parser.
/** Server blocks in order, snippets put in place and `{$NAME}` replaced. Throws CorefileError. */
export function parseCorefile(
  text: string,
  path = "Corefile",
  environment: ReadonlyMap<string, string> = new Map(),
): ServerBlock[] {
  const parser = new Parser(tokenize(text, environment), path);
  return parser.blocks();
}

function tokenize(text: string, environment: ReadonlyMap<string, string>): Token[] {
  const replaced = text.replace(
    /\{\$(\w+)\}|\{%(\w+)%\}/g,
    (_, unix, windows) => environment.get(unix ?? windows) ?? "",
  );
  return replaced.split("\n").flatMap((line, index) => {
    const words = line.match(/"(?:[^"\\]|\\.)*"|#.*|\S+/g) ?? [];
    const comment = words.findIndex((word) => word.startsWith("#"));
    return (comment < 0 ? words : words.slice(0, comment)).map((word) => ({
      text: word.startsWith('"') ? word.replace(/^"|"$/g, "").replaceAll('\\"', '"') : word,
      line: index + 1,
    }));
  });
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly #path: string;
  readonly #snippets = new Map<string, readonly Directive[]>();
  #at = 0;

  constructor(tokens: readonly Token[], path: string) {
    this.#tokens = tokens;
    this.#path = path;
  }

  blocks(): ServerBlock[] {
    const blocks: ServerBlock[] = [];
    while (this.#at < this.#tokens.length) {
      const { line } = this.#peek();
      const keys = this.#keys();
      const directives = this.#body(0);
      const snippet = /^\((.+)\)$/.exec(keys[0] ?? "")?.[1];
      if (snippet) this.#snippets.set(snippet, directives);
      else blocks.push({ keys, directives, line });
    }
    return blocks;
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? { text: "", line: this.#tokens.at(-1)?.line ?? 1 };
  }

  #keys(): string[] {
    const keys: string[] = [];
    for (;;) {
      const token = this.#peek();
      if (token.text === "" || token.text === "}") throw this.#error(`Unexpected "${token.text || "EOF"}"`);
      this.#at += 1;
      if (token.text === "{") return keys;
      keys.push(...token.text.split(",").filter(Boolean));
    }
  }

  /** What is between braces; the first one is read already. */
  #body(depth: number): Directive[] {
    const directives: Directive[] = [];
    for (;;) {
      const { text, line } = this.#peek();
      if (this.#at >= this.#tokens.length) throw this.#error("Unexpected EOF, expecting '}'");
      this.#at += 1;
      if (text === "}") return directives;
      const args: string[] = [];
      while (
        this.#at < this.#tokens.length &&
        this.#peek().line === line &&
        !["{", "}"].includes(this.#peek().text)
      ) {
        args.push(this.#peek().text);
        this.#at += 1;
      }
      const opens = this.#peek().text === "{" && this.#peek().line === line;
      if (opens) this.#at += 1;
      if (depth > DEEPEST_BLOCK) throw this.#error("blocks are nested too deeply");
      const directive: Directive = { name: text, args, body: opens ? this.#body(depth + 1) : [], line };
      directives.push(...(text === "import" ? this.#imported(directive) : [directive]));
      if (directives.length > MOST_DIRECTIVES) throw this.#error("too many directives");
    }
  }

  #imported({ args: [name = ""] }: Directive): readonly Directive[] {
    const snippet = this.#snippets.get(name);
    if (!snippet) throw this.#error(`File to import not found: ${name}`);
    return snippet;
  }

  #error(problem: string): CorefileError {
    return new CorefileError(this.#path, this.#peek().line, problem);
  }
}
