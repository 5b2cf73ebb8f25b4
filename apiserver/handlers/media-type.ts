import { newNotAcceptable } from "../../machinery/api/status.js";

export const JSON_TYPE = "application/json";
export const YAML_TYPE = "application/yaml";
/** Read, but never written: clients that send it also take JSON. */
export const PROTOBUF_TYPE = "application/vnd.kubernetes.protobuf";
const SERVED: readonly string[] = [JSON_TYPE, YAML_TYPE];

/** What a client wants to see of an object and how it is written. */
export interface Representation {
  as: "object" | "table" | "metadata" | "metadataList";
  type: typeof JSON_TYPE | typeof YAML_TYPE;
}

export interface Clause {
  type: string;
  parameters: ReadonlyMap<string, string>;
  quality: number;
}

/** `application/json;as=Table;v=v1;g=meta.k8s.io` in parts. */
export function parseMediaType(text: string): { type: string; parameters: ReadonlyMap<string, string> } {
  const [type = "", ...rest] = text.split(";");
  const parameters = new Map<string, string>();
  for (const part of rest) {
    const equals = part.indexOf("=");
    if (equals > 0)
      parameters.set(part.slice(0, equals).trim().toLowerCase(), unquote(part.slice(equals + 1).trim()));
  }
  return { type: type.trim().toLowerCase(), parameters };
}

const unquote = (text: string): string =>
  text.length > 1 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;

const PLAIN: Representation = { as: "object", type: JSON_TYPE };
const REMEMBERED = 256;
const remembered = new Map<string, Representation | "none">();

/** The first clause, best quality first, that this server can write. Throws NotAcceptable. */
export function negotiate(accept: string | undefined, streaming = false): Representation {
  if (accept === undefined || accept === "" || accept === JSON_TYPE) return PLAIN;
  const key = streaming ? `watch ${accept}` : accept;
  let chosen = remembered.get(key);
  if (chosen === undefined) {
    chosen = choose(accept, streaming) ?? "none";
    // Clients send few different headers; someone who sends many only loses the shortcut.
    if (remembered.size >= REMEMBERED) remembered.clear();
    remembered.set(key, chosen);
  }
  if (chosen === "none") throw newNotAcceptable(streaming ? [`${JSON_TYPE};stream=watch`] : SERVED);
  return chosen;
}

function choose(accept: string, streaming: boolean): Representation | undefined {
  for (const clause of parseAccept(accept)) {
    const type = servedType(clause.type);
    if (!type || (streaming && type !== JSON_TYPE)) continue;
    const as = transformation(clause.parameters);
    if (as) return { as, type };
  }
  return undefined;
}

/** Clauses of an Accept header, best quality first, equal ones in the client's order. */
export function parseAccept(accept: string): readonly Clause[] {
  return accept
    .split(",")
    .map((text) => {
      const { type, parameters } = parseMediaType(text);
      const quality = Number(parameters.get("q") ?? "1");
      return { type, parameters, quality: Number.isNaN(quality) ? 1 : quality };
    })
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality);
}

function servedType(type: string): Representation["type"] | undefined {
  switch (type) {
    case "*/*":
    case "application/*":
    case JSON_TYPE:
      return JSON_TYPE;
    case YAML_TYPE:
    case "application/x-yaml":
    case "text/yaml":
      return YAML_TYPE;
    default:
      return undefined;
  }
}

/** Undefined when another form is asked for than this server can make. */
function transformation(parameters: ReadonlyMap<string, string>): Representation["as"] | undefined {
  const as = parameters.get("as");
  if (as === undefined) return "object";
  if ((parameters.get("g") ?? "meta.k8s.io") !== "meta.k8s.io" || (parameters.get("v") ?? "v1") !== "v1")
    return undefined;
  switch (as) {
    case "Table":
      return "table";
    case "PartialObjectMetadata":
      return "metadata";
    case "PartialObjectMetadataList":
      return "metadataList";
    default:
      return undefined;
  }
}
