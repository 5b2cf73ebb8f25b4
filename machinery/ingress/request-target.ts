/** `Example.COM.:8080` is `example.com`; undefined for what is no host. */
export function toHostName(header: string | undefined): string | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[^:[\]/\\@\s,]*)(?::\d{0,5})?$/i.exec(header ?? "");
  return match ? (match[1] ?? "").toLowerCase().replace(/\.$/, "") : undefined;
}

export interface RequestTarget {
  /** From the request line's absolute form: then the Host header does not count (RFC 9112, 3.2.2). */
  host?: string;
  /** Path and query as sent, without the fragment. */
  uri: string;
  /** `?` and what follows, or "". */
  query: string;
  /** For choosing a route. */
  path: string;
}

/** Takes a request line's target apart; undefined for one that a server answers with 400. */
export function parseTarget(target: string): RequestTarget | undefined {
  const absolute = /^https?:\/\/([^/?#]*)(.*)$/i.exec(target);
  const rest = absolute ? (absolute[2] ?? "") : target;
  const hash = rest.indexOf("#");
  const whole = hash < 0 ? rest : rest.slice(0, hash);
  const uri = absolute && !whole.startsWith("/") ? `/${whole}` : whole;
  const mark = uri.indexOf("?");
  const path = normalizePath(mark < 0 ? uri : uri.slice(0, mark));
  if (path === undefined) return undefined;
  return {
    ...(absolute ? { host: absolute[1] ?? "" } : {}),
    uri,
    query: mark < 0 ? "" : uri.slice(mark),
    path,
  };
}

/** Decoded, with `//`, `/./` and `/../` resolved as nginx does; undefined when it is no path or leaves the root. */
export function normalizePath(raw: string): string | undefined {
  if (!raw.startsWith("/")) return undefined;
  if (!/[%]|\/\/|\/\./.test(raw)) return raw;
  const decoded = decode(raw);
  if (decoded === undefined || decoded.includes("\0")) return undefined;
  const kept: string[] = [];
  const segments = decoded.split("/").slice(1);
  for (const segment of segments) {
    if (segment === "" || segment === ".") continue;
    if (segment !== "..") kept.push(segment);
    else if (kept.pop() === undefined) return undefined;
  }
  const isFolder = ["", ".", ".."].includes(segments.at(-1) ?? "");
  return kept.length === 0 ? "/" : `/${kept.join("/")}${isFolder ? "/" : ""}`;
}

/** Bytes that are no UTF-8 stay, as characters of Latin-1. */
function decode(raw: string): string | undefined {
  if (!raw.includes("%")) return raw;
  if (/%(?![0-9a-f]{2})/i.test(raw)) return undefined;
  try {
    return decodeURIComponent(raw);
  } catch {
    return raw.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  }
}
