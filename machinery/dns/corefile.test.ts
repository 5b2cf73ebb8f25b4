import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { CorefileError, parseCorefile } from "./corefile.js";
import { OutsideZone } from "./outside-zone.js";
import { parseZoneFile, ZoneFileError } from "./zone-file.js";

test("a Corefile has server blocks with plugins, their arguments and their own blocks", () => {
  const text = `
(common) {
  errors   # a snippet
  log
}
.:53 example.org {
  import common
  kubernetes {$DOMAIN} in-addr.arpa {
    pods "insecure"
  }
}`;
  expect(parseCorefile(text, "Corefile", new Map([["DOMAIN", "cluster.local"]]))).toMatchObject([
    {
      keys: [".:53", "example.org"],
      directives: [
        { name: "errors", args: [], line: 3 },
        { name: "log" },
        {
          name: "kubernetes",
          args: ["cluster.local", "in-addr.arpa"],
          body: [{ name: "pods", args: ["insecure"] }],
        },
      ],
    },
  ]);
});

test("mistakes of a Corefile are told with their line, as caddy's parser does", () => {
  for (const [text, message] of [
    [". {\n log", "Corefile:2 - Error during parsing: Unexpected EOF, expecting '}'"],
    [". {\n import nowhere\n}", "Corefile:3 - Error during parsing: File to import not found: nowhere"],
    ["}", 'Corefile:1 - Error during parsing: Unexpected "}"'],
  ] as const) {
    expect(() => parseCorefile(text)).toThrow(CorefileError);
    expect(() => parseCorefile(text)).toThrow(message);
  }
});

test("no text makes the readers of Corefiles and zone files do anything but read or refuse", () => {
  const words = fc.constantFrom(
    "{",
    "}",
    ".",
    "log",
    "#",
    '"',
    "(a)",
    "import",
    "a",
    "$ORIGIN",
    "$TTL",
    "IN",
    "A",
    "10.0.0.1",
    "\n",
    " ",
    "@",
    "..",
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(words, { maxLength: 40 }).map((parts) => parts.join(" ")),
  );
  fc.assert(
    fc.property(text, (content) => {
      expectOnly(CorefileError, () => parseCorefile(content));
      expectOnly(ZoneFileError, () => parseZoneFile(content));
    }),
    { numRuns: 2000, seed: 20_260_102 },
  );
});

function expectOnly(kind: typeof CorefileError | typeof ZoneFileError, read: () => unknown): void {
  try {
    read();
  } catch (err) {
    expect(err).toBeInstanceOf(kind);
  }
}

const outside = new OutsideZone(
  parseZoneFile(`
192.0.2.53 www.example.com web   # as in /etc/hosts
$ORIGIN example.com.
$TTL 1h
alias 10m IN CNAME www
far       IN CNAME elsewhere.test.
ring      IN CNAME ring
mail      IN MX 10 mx1
*.apps    IN A 192.0.2.80
a.b.deep  IN TXT "one" "two"
_x._tcp   IN SRV 1 2 80 www
`),
);
const ask = (name: string, type = "A") => {
  const { rcode, answers, authorities } = outside.answer({ name, type });
  const lines = answers.map((r) =>
    "data" in r && "ttl" in r ? `${r.name} ${r.ttl} ${r.type} ${JSON.stringify(r.data)}` : "",
  );
  return [rcode, ...lines, ...(authorities.length > 0 ? ["SOA"] : [])];
};

test("a file of outside names has hosts lines and zone lines", () => {
  expect(ask("WWW.example.com")).toEqual(["NOERROR", 'WWW.example.com 3600 A "192.0.2.53"']);
  expect(ask("53.2.0.192.in-addr.arpa", "PTR")).toEqual([
    "NOERROR",
    '53.2.0.192.in-addr.arpa 3600 PTR "www.example.com"',
  ]);
  expect(ask("alias.example.com")).toEqual([
    "NOERROR",
    'alias.example.com 600 CNAME "www.example.com"',
    'www.example.com 3600 A "192.0.2.53"',
  ]);
  expect(ask("far.example.com")).toEqual(["NXDOMAIN", 'far.example.com 3600 CNAME "elsewhere.test"', "SOA"]);
  expect(ask("ring.example.com")).toEqual(["SERVFAIL"]);
  expect(ask("mail.example.com", "MX")[1]).toContain('{"preference":10,"exchange":"mx1.example.com"}');
  expect(ask("_x._tcp.example.com", "SRV")[1]).toContain('"port":80,"target":"www.example.com"');
});

test("outside, too, a name without records differs from no name, and wildcards stand for missing names only", () => {
  expect(ask("www.example.com", "AAAA")).toEqual(["NOERROR", "SOA"]);
  expect(ask("deep.example.com")).toEqual(["NOERROR", "SOA"]);
  expect(ask("nope.example.com")).toEqual(["NXDOMAIN", "SOA"]);
  expect(ask("x.y.apps.example.com")[1]).toBe('x.y.apps.example.com 3600 A "192.0.2.80"');
  expect(ask("apps.example.com")).toEqual(["NOERROR", "SOA"]);
});

test("a wrong line of a file of names is told by its number", () => {
  for (const [text, message] of [
    ["\nwww IN A 300.1.1.1", 'line 2: "300.1.1.1" is no IPv4 address'],
    ["10.0.0.1", "line 1: 10.0.0.1 has no name"],
    ["www IN WKS 1", 'line 1: "WKS" is no record type of a zone file'],
    ["a..b IN A 10.0.0.1", 'line 1: "a..b" is no name'],
    ["$TTL soon", 'line 1: "soon" is no TTL'],
  ] as const) {
    expect(() => parseZoneFile(text)).toThrow(message);
  }
});
