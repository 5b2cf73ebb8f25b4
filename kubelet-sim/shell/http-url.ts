export interface HttpUrl {
  scheme: "http" | "https";
  /** An IPv6 address without its brackets. */
  host: string;
  port: number;
  /** As the Host header has it. */
  authority: string;
  /** With the query, never empty. */
  target: string;
  user: string | undefined;
}

/** A URL of wget and curl: the scheme may be missing. Undefined when it is none of http. */
export function parseHttpUrl(text: string): HttpUrl | undefined {
  const match =
    /^(?:([a-zA-Z][\w+.-]*):\/\/)?(?:([^@/?#]*)@)?(\[[0-9a-fA-F:.]+\]|[^:/?#[\]]+)(?::(\d{1,5}))?(\/[^?#]*)?(\?[^#]*)?(?:#.*)?$/.exec(
      text,
    );
  if (!match) return undefined;
  const [, givenScheme = "http", user, host = "", port, path = "/", query = ""] = match;
  const scheme = givenScheme.toLowerCase();
  if (scheme !== "http" && scheme !== "https") return undefined;
  const usual = scheme === "http" ? 80 : 443;
  const number = port === undefined ? usual : Number(port);
  return {
    scheme,
    host: host.replace(/^\[(.*)\]$/, "$1"),
    port: number,
    authority: number === usual ? host : `${host}:${number}`,
    target: path + query,
    user,
  };
}
