const TOKEN =
  /<\?[^>]*\?>|<!doctype html>|<!--[\s\S]*?-->|<(\/?)([A-Za-z][\w:-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>|[^<]+|</g;
/** Elements of HTML that have no end. */
const VOID = new Set(["meta", "br"]);
const ENTITY = /&(?:amp|lt|gt|quot|#39|#x[0-9a-f]+|#\d+);/g;

/** What is wrong with a text as XML (or as HTML that closes its elements); empty when nothing is. */
export function faultsOfMarkup(text: string): string[] {
  const found: string[] = [];
  const open: string[] = [];
  for (const [token, closing, name, attributes = "", single] of text.matchAll(TOKEN)) {
    const plain = name === undefined ? token : attributes;
    if (token === "<") found.push(`a stray < before ${JSON.stringify(open.at(-1))}`);
    else if (open.at(-1) !== "style" && plain.replace(ENTITY, "").includes("&"))
      found.push(`a stray & in ${plain.slice(0, 80)}`);
    if (name === undefined || single || VOID.has(name)) continue;
    if (!closing) open.push(name);
    else if (open.pop() !== name) found.push(`</${name}> closes another element`);
  }
  if (open.length > 0) found.push(`not closed: ${open.join(", ")}`);
  return found;
}

/** The names of all elements, in their order. */
export const elementsOf = (text: string): string[] =>
  [...text.matchAll(TOKEN)].flatMap(([, closing, name]) => (name !== undefined && !closing ? [name] : []));
