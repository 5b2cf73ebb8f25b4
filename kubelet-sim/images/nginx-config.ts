/** One directive of nginx's configuration language: `name args;` or `name args { block }`. */
export interface Directive {
  name: string;
  args: readonly string[];
  block: readonly Directive[];
}

/** `message` as nginx prints it after `[emerg]`. */
export class NginxConfigError extends Error {
  override readonly name = "NginxConfigError";
}

/** Files that were parsed: thousands of pods share a few configurations. */
const parsed = new Map<string, readonly Directive[]>();
const MOST_PARSED = 64;

/** Parses a file. Throws NginxConfigError. */
export function parseNginxConfig(text: string, path: string): readonly Directive[] {
  const key = `${path}\n${text}`;
  const known = parsed.get(key);
  if (known) return known;
  const directives = parseDirectives(text, path);
  if (parsed.size >= MOST_PARSED) parsed.clear();
  parsed.set(key, directives);
  return directives;
}

function parseDirectives(text: string, path: string): Directive[] {
  const tokens = tokenize(text);
  let at = 0;
  const parseBlock = (nested: boolean): Directive[] => {
    const directives: Directive[] = [];
    for (;;) {
      const token = tokens[at];
      if (!token) {
        if (nested) throw new NginxConfigError(`unexpected end of file, expecting "}" in ${path}`);
        return directives;
      }
      if (token.special && token.text === "}") {
        if (!nested) throw new NginxConfigError(`unexpected "}" in ${path}:${token.line}`);
        at++;
        return directives;
      }
      directives.push(parseDirective());
    }
  };
  const parseDirective = (): Directive => {
    const words: string[] = [];
    for (;;) {
      const token = tokens[at++];
      if (!token) throw new NginxConfigError(`unexpected end of file, expecting ";" or "}" in ${path}`);
      if (!token.special) {
        words.push(token.text);
        continue;
      }
      const [name = "", ...args] = words;
      if (token.text === ";") return { name, args, block: [] };
      if (token.text === "{") return { name, args, block: parseBlock(true) };
      throw new NginxConfigError(`unexpected "}" in ${path}:${token.line}`);
    }
  };
  return parseBlock(false);
}

interface Token {
  text: string;
  special: boolean;
  line: number;
}

const TOKEN =
  /#[^\n]*|"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|([;{}])|((?:\$\{[^}]*\}|\\.|[^\s;{}"'\\])(?:\$\{[^}]*\}|\\.|[^\s;{}\\])*)|\s+/gs;

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  for (const match of text.matchAll(TOKEN)) {
    const [whole, double, single, special, bare] = match;
    const quoted = double ?? single;
    if (quoted !== undefined) tokens.push({ text: unescape(quoted), special: false, line });
    else if (special !== undefined) tokens.push({ text: special, special: true, line });
    else if (bare !== undefined) tokens.push({ text: bare, special: false, line });
    line += whole.split("\n").length - 1;
  }
  return tokens;
}

const unescape = (text: string): string =>
  text.replace(/\\(.)/gs, (_, char: string) => ({ n: "\n", t: "\t", r: "\r" })[char] ?? char);

export interface NginxLocation {
  modifier: "" | "=" | "~" | "~*" | "^~";
  path: string;
  directives: readonly Directive[];
}

export interface NginxServer {
  ports: readonly number[];
  names: readonly string[];
  directives: readonly Directive[];
  locations: readonly NginxLocation[];
}

/** What nginx serves: its servers and the groups that `proxy_pass` may name. */
export interface NginxSite {
  servers: readonly NginxServer[];
  upstreams: ReadonlyMap<string, NginxUpstream>;
}

export interface NginxUpstream {
  /** `host:port` or `host`. */
  members: readonly string[];
  /** Whose turn it is. */
  next: number;
}

export function toSite(directives: readonly Directive[]): NginxSite {
  const http = directives.flatMap((directive) => (directive.name === "http" ? directive.block : [directive]));
  const upstreams = http.filter(({ name }) => name === "upstream");
  return {
    servers: serversIn(http),
    upstreams: new Map(
      upstreams.map(({ args, block }) => {
        const members = block.filter(({ name }) => name === "server").map((server) => server.args[0] ?? "");
        return [args[0] ?? "", { members, next: 0 }];
      }),
    ),
  };
}

/** The servers among directives, wherever `http` blocks put them. */
function serversIn(directives: readonly Directive[]): NginxServer[] {
  return directives.flatMap((directive) => {
    if (directive.name === "http") return serversIn(directive.block);
    return directive.name === "server" ? [toServer(directive.block)] : [];
  });
}

function toServer(block: readonly Directive[]): NginxServer {
  const listens = block.filter(({ name }) => name === "listen").map(({ args }) => portOf(args[0] ?? "80"));
  return {
    ports: listens.length > 0 ? listens.filter((port) => port > 0) : [80],
    names: block.filter(({ name }) => name === "server_name").flatMap(({ args }) => args),
    directives: block,
    locations: block.filter(({ name }) => name === "location").map(toLocation),
  };
}

function toLocation({ args, block }: Directive): NginxLocation {
  const [first = "/", second] = args;
  if (second === undefined) return { modifier: "", path: first, directives: block };
  const modifier = first === "=" || first === "~" || first === "~*" || first === "^~" ? first : "";
  return { modifier, path: second, directives: block };
}

/** Port of a `listen` argument; 0 for a Unix socket. */
function portOf(address: string): number {
  if (address.startsWith("unix:")) return 0;
  const port = /(?:^|:)(\d+)$/.exec(address)?.[1];
  return port === undefined ? 80 : Number(port);
}

/** Upstream's order: exact, longest prefix with ^~, regular expressions in order, longest prefix. */
export function chooseLocation(server: NginxServer, path: string): NginxLocation | undefined {
  const exact = server.locations.find(({ modifier, path: at }) => modifier === "=" && at === path);
  if (exact) return exact;
  const prefixes = server.locations
    .filter(({ modifier, path: at }) => (modifier === "" || modifier === "^~") && path.startsWith(at))
    .sort((a, b) => b.path.length - a.path.length);
  if (prefixes[0]?.modifier === "^~") return prefixes[0];
  const regular = server.locations.find(
    ({ modifier, path: at }) =>
      (modifier === "~" || modifier === "~*") && new RegExp(at, modifier === "~*" ? "i" : "").test(path),
  );
  return regular ?? prefixes[0];
}
