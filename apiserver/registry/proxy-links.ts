/** What a proxied answer's links are rewritten by. */
export interface ProxiedAt {
  /** The path before what the backend knows: `/api/v1/namespaces/default/pods/web/proxy`. */
  root: string;
  /** Names by which the backend may call itself: its own address, and what the client asked for. */
  hosts: readonly string[];
}

const URL_PARTS = /^(?:([a-z][a-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(.*)$/is;

// Upstream: apimachinery pkg/util/proxy Transport.rewriteURL.
/** A link of the backend as the client has to follow it. Other hosts and relative links stay what they are. */
export function rewriteLink(link: string, { root, hosts }: ProxiedAt): string {
  const [, , host, path = "", rest = ""] = URL_PARTS.exec(link) ?? [];
  if (!path.startsWith("/") || (host !== undefined && host !== "" && !hosts.includes(host))) return link;
  // The host is left out as well: the client keeps to the one by which it came.
  return path.startsWith(root) ? `${path}${rest}` : `${root}${path}${rest}`;
}

/** Attributes that hold links, by element. */
const LINKS: Readonly<Record<string, readonly string[]>> = {
  a: ["href"],
  applet: ["codebase"],
  area: ["href"],
  audio: ["src"],
  base: ["href"],
  blockquote: ["cite"],
  body: ["background"],
  button: ["formaction"],
  command: ["icon"],
  del: ["cite"],
  embed: ["src"],
  form: ["action"],
  frame: ["longdesc", "src"],
  head: ["profile"],
  html: ["manifest"],
  iframe: ["longdesc", "src"],
  img: ["longdesc", "src", "usemap"],
  input: ["formaction", "src"],
  ins: ["cite"],
  link: ["href"],
  object: ["classid", "codebase", "data", "usemap"],
  q: ["cite"],
  script: ["src"],
  source: ["src"],
  video: ["poster", "src"],
};

/** Elements whose content is text, whatever it looks like. */
const RAW_TEXT = new Set(["script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"]);

/** A comment, or a tag up to its name. */
const NEXT = /<!--|<([a-z][^\s/>]*)/gi;

/** The page with its links rewritten; everything else stays byte for byte. */
export function rewriteLinks(html: string, at: ProxiedAt): string {
  const out: string[] = [];
  let copied = 0;
  const next = new RegExp(NEXT);
  for (let found = next.exec(html); found; found = next.exec(html)) {
    const name = found[1]?.toLowerCase();
    if (name === undefined) {
      const end = html.indexOf("-->", next.lastIndex);
      if (end < 0) break;
      next.lastIndex = end;
      continue;
    }
    const tag = readTag(html, next.lastIndex);
    for (const { attribute, from, to } of tag.values) {
      if (!isLink(name, attribute)) continue;
      out.push(html.slice(copied, from), rewriteLink(html.slice(from, to), at));
      copied = to;
    }
    next.lastIndex = RAW_TEXT.has(name) ? endOfText(html, name, tag.end) : tag.end;
  }
  out.push(html.slice(copied));
  return out.join("");
}

const isLink = (element: string, attribute: string): boolean =>
  Object.hasOwn(LINKS, element) && (LINKS[element]?.includes(attribute) ?? false);

interface AttributeValue {
  attribute: string;
  from: number;
  to: number;
}

const GAP = /[\s/]*/y;
const NAME = /[^\s=>/]+/y;
const EQUALS = /\s*=\s*/y;
const BARE = /[^\s>]*/y;

/** The attributes of a tag that have values, from behind its name to behind its end. Looks at each character once or twice. */
function readTag(html: string, start: number): { values: AttributeValue[]; end: number } {
  const values: AttributeValue[] = [];
  const skip = (pattern: RegExp, from: number): number => {
    pattern.lastIndex = from;
    return pattern.test(html) ? pattern.lastIndex : from;
  };
  let at = skip(GAP, start);
  while (at < html.length && html[at] !== ">") {
    const named = skip(NAME, at);
    const attribute = html.slice(at, named).toLowerCase();
    const from = skip(EQUALS, named);
    // An end without a name before it is no attribute, only a character too many.
    if (from === named) at = Math.max(named, at + 1);
    else {
      const quote = html[from] === '"' || html[from] === "'" ? html[from] : undefined;
      const close = quote === undefined ? skip(BARE, from) : html.indexOf(quote, from + 1);
      const to = close < 0 ? html.length : close;
      values.push({ attribute, from: quote === undefined ? from : from + 1, to });
      at = quote === undefined ? to : to + 1;
    }
    at = skip(GAP, at);
  }
  return { values, end: Math.min(at + 1, html.length) };
}

function endOfText(html: string, name: string, from: number): number {
  const end = new RegExp(`</${name}`, "gi");
  end.lastIndex = from;
  return end.test(html) ? end.lastIndex : html.length;
}
