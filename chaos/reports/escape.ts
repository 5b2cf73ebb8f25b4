/** XML 1.0 forbids most control characters, even escaped, and lone surrogates: they become U+FFFD. */
const plain = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cs}\ufffe\uffff]/gu, (c) => ("\t\n\r".includes(c) ? c : "\ufffd"));

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text for the content and the attributes of XML and HTML, whatever it holds. */
export const escaped = (text: string): string => plain(text).replace(/[&<>"']/g, (c) => ENTITIES[c] ?? c);

/** The same for attributes of XML, where a line break would become a space. */
export const escapedAttribute = (text: string): string =>
  escaped(text).replace(/[\n\r\t]/g, (c) => `&#${c.charCodeAt(0)};`);

/** For a terminal: names and errors must not move its cursor or change its colours. */
export const printable = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cs}]/gu, (c) => (c === "\n" || c === "\t" ? " " : "\ufffd"));
