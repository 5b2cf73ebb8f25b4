/** One media range of an Accept header. */
export interface MediaRange {
  /** `application/json`. */
  type: string;
  parameters: ReadonlyMap<string, string>;
}

/** The ranges of an Accept header, most wanted first; equal quality keeps the client's order. */
export function parseAccept(header: string | undefined): readonly MediaRange[] {
  if (!header?.trim()) return [{ type: "*/*", parameters: new Map() }];
  return header
    .split(",")
    .map((text) => {
      const [type = "", ...rest] = text.split(";").map((part) => part.trim());
      const parameters = new Map<string, string>();
      for (const parameter of rest) {
        const equals = parameter.indexOf("=");
        if (equals > 0) parameters.set(parameter.slice(0, equals).toLowerCase(), parameter.slice(equals + 1));
      }
      return { range: { type: type.toLowerCase(), parameters }, quality: qualityOf(parameters.get("q")) };
    })
    .filter(({ quality }) => quality > 0)
    .toSorted((a, b) => b.quality - a.quality)
    .map(({ range }) => range);
}

const qualityOf = (q: string | undefined): number => (q === undefined ? 1 : Number(q) || 0);

export const covers = ({ type }: MediaRange, mediaType: string): boolean =>
  type === "*/*" || type === mediaType || (type.endsWith("/*") && mediaType.startsWith(type.slice(0, -1)));
