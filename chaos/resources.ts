import { builtInResources } from "../cli/resource-for.js";
import type { ResourceDescriptor } from "../machinery/api/resource.js";

/** Every spelling that a scenario may use: plural, singular, kind and short names, in any case. */
export const resourceWords: readonly string[] = builtInResources.flatMap(wordsOf);

function wordsOf({ plural, singular, shortNames }: ResourceDescriptor): string[] {
  return [plural, singular, ...shortNames];
}

export function resourceNamed(word: string): ResourceDescriptor | undefined {
  return builtInResources.find((known) => wordsOf(known).includes(word.toLowerCase()));
}
