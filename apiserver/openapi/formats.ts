/**
 * Number and string formats, which declarations do not show, from the validators published beside them: each property has
 * a function that states its `type` and `format`, or calls another for its elements.
 */
export interface NumberForm {
  type: string | undefined;
  format: string | undefined;
}

const FUNCTION = /function (validate\d+)\(data,/g;
const PROPERTY_CALL = /(validate\d+)\(data(?:\.([\w$]+)|\["([^"]+)"\]),\{instancePath/g;
const CALL = /(validate\d+)\(/g;
const ROOT = /export const validate=(validate\d+);/;

export function readFormats(validator: string): Map<string, NumberForm> {
  const bodies = functionBodies(validator);
  const root = bodies.get(ROOT.exec(validator)?.[1] ?? "") ?? "";
  const forms = inlineForms(root);
  for (const [, callee = "", plain, quoted] of root.matchAll(PROPERTY_CALL)) {
    const form = formOf(callee, bodies, new Set());
    if (form) forms.set(plain ?? quoted ?? "", form);
  }
  return forms;
}

/** Validators that refer to themselves state the form of their properties in place. */
const INLINE =
  /schemaPath:"#\/properties\/([^"/]+)\/(?:type|format)"[^}]*params:\{(type|format):"([^"]+)"\}/g;
function inlineForms(root: string): Map<string, NumberForm> {
  const forms = new Map<string, NumberForm>();
  for (const [, name = "", aspect, value] of root.matchAll(INLINE)) {
    const form = forms.get(name) ?? { type: undefined, format: undefined };
    forms.set(name, aspect === "type" ? { ...form, type: value } : { ...form, format: value });
  }
  return forms;
}

function functionBodies(text: string): Map<string, string> {
  const starts = [...text.matchAll(FUNCTION)];
  return new Map(
    starts.map((match, i) => [
      match[1] ?? "",
      text.slice(match.index + match[0].length, starts[i + 1]?.index ?? text.length),
    ]),
  );
}

function formOf(
  name: string,
  bodies: ReadonlyMap<string, string>,
  seen: Set<string>,
): NumberForm | undefined {
  const body = bodies.get(name);
  if (body === undefined || seen.has(name)) return undefined;
  seen.add(name);
  const format = /params:\{format:"([^"]+)"\}/.exec(body)?.[1];
  const type = /params:\{type:"(integer|number)"\}/.exec(body)?.[1];
  if (format || type) return { type, format };
  for (const [, callee = ""] of body.matchAll(CALL)) {
    const form = formOf(callee, bodies, seen);
    if (form) return form;
  }
  return undefined;
}
