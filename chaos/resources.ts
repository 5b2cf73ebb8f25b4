import { deployments, replicaSets } from "../machinery/api/apps-v1.js";
import { leases } from "../machinery/api/coordination-v1.js";
import {
  configMaps,
  endpoints,
  events,
  namespaces,
  nodes,
  pods,
  secrets,
  serviceAccounts,
  services,
} from "../machinery/api/core-v1.js";
import { endpointSlices } from "../machinery/api/discovery-v1.js";
import { ingresses } from "../machinery/api/networking-v1.js";
import type { ResourceDescriptor } from "../machinery/api/resource.js";

const KNOWN: readonly ResourceDescriptor[] = [
  pods,
  deployments,
  replicaSets,
  services,
  endpointSlices,
  endpoints,
  nodes,
  namespaces,
  configMaps,
  secrets,
  serviceAccounts,
  events,
  leases,
  ingresses,
];

/** Every spelling that a scenario may use: plural, singular, kind and short names, in any case. */
export const resourceWords: readonly string[] = KNOWN.flatMap(wordsOf);

function wordsOf({ plural, singular, shortNames }: ResourceDescriptor): string[] {
  return [plural, singular, ...shortNames];
}

export function resourceNamed(word: string): ResourceDescriptor | undefined {
  return KNOWN.find((known) => wordsOf(known).includes(word.toLowerCase()));
}

/** Of an object in a manifest. */
export const resourceOfKind = (apiVersion: unknown, kind: unknown): ResourceDescriptor | undefined =>
  KNOWN.find((known) => known.apiVersion === apiVersion && known.kind === kind);
