import type { KubeObject } from "../../machinery/api/meta-v1.js";
import { qualified, type ResourceDescriptor } from "../../machinery/api/resource.js";
import type { CliContext } from "../command.js";
import type { FlagSpecs } from "../flags.js";
import { type ManifestDocument, parseManifest, readManifests } from "../manifests.js";
import { UserError } from "../supervisor/cluster.js";
import type { Session } from "./connection-flags.js";
import type { DiscoveredResource } from "./resource-mapper.js";
import { parseTargets } from "./targets.js";

/** Flags by which a verb is told which objects it acts on. */
export const selectionFlags = {
  filename: {
    kind: "list",
    short: "f",
    help: "Filename or directory that identifies the resources; - is standard input.",
  },
  recursive: { kind: "bool", short: "R", help: "Process the directory used in -f, --filename recursively." },
  selector: { kind: "string", short: "l", help: "Label selector to filter on." },
  all: { kind: "bool", help: "Select all resources of the given types in the namespace." },
  "all-namespaces": { kind: "bool", short: "A", help: "Act across all namespaces." },
} as const satisfies FlagSpecs;

export interface SelectionOptions {
  filename: readonly string[];
  recursive: boolean;
  selector?: string | undefined;
  all?: boolean;
  "all-namespaces"?: boolean;
}

/** One object a verb acts on. */
export interface Selected {
  resource: DiscoveredResource;
  namespace?: string;
  name: string;
  /** From `-f`: the manifest. From a selector: the object as listed. */
  object?: KubeObject;
}

/** What `-f` (files, folders, `-` for standard input) holds. */
export async function readDocuments(
  options: Pick<SelectionOptions, "filename" | "recursive">,
  context: CliContext,
): Promise<ManifestDocument[]> {
  const documents: ManifestDocument[] = [];
  for (const path of options.filename.flatMap((list) => list.split(","))) {
    documents.push(
      ...(path === "-"
        ? parseManifest(await readAll(context.stdin), "STDIN")
        : readManifests([path], options.recursive)),
    );
  }
  return documents;
}

export async function readAll(stdin: NodeJS.ReadStream): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString("utf8");
}

/** The served resource of a manifest's kind. Throws UserError in kubectl's words. */
export function resourceOf(session: Session, { object, source }: ManifestDocument): DiscoveredResource {
  const found = session.mapper.byKind(object.apiVersion, object.kind);
  if (found) return found;
  const name = object.metadata?.name ?? "";
  const namespace = object.metadata?.namespace ?? "";
  throw new UserError(
    `resource mapping not found for name: "${name}" namespace: "${namespace}" from "${source}": no matches for kind "${object.kind}" in version "${object.apiVersion}"\nensure CRDs are installed first`,
  );
}

/** `deployment.apps/web`. */
export const displayName = (descriptor: ResourceDescriptor, name: string): string =>
  `${qualified({ group: descriptor.group, resource: descriptor.singular })}/${name}`;

/** Everything that arguments, `-f` or a selector name. Rejects with StatusError when a list is refused. */
export async function selectObjects(
  session: Session,
  args: readonly string[],
  options: SelectionOptions,
  context: CliContext,
): Promise<Selected[]> {
  if (options.filename.length > 0) {
    return (await readDocuments(options, context)).map((document) => {
      const resource = resourceOf(session, document);
      const { object } = document;
      return {
        resource,
        name: object.metadata.name,
        object,
        ...(resource.descriptor.namespaced
          ? { namespace: object.metadata.namespace ?? session.namespace }
          : {}),
      };
    });
  }
  const selected: Selected[] = [];
  for (const { resource, name } of parseTargets(args, session.mapper)) {
    const namespace = resource.descriptor.namespaced ? { namespace: session.namespace } : {};
    if (name) selected.push({ resource, name, ...namespace });
    else selected.push(...(await listSelected(session, resource, options)));
  }
  return selected;
}

async function listSelected(
  session: Session,
  resource: DiscoveredResource,
  options: SelectionOptions,
): Promise<Selected[]> {
  if (!options.selector && !options.all && !options["all-namespaces"]) {
    throw new UserError("resource(s) were provided, but no name was specified");
  }
  const inOne = resource.descriptor.namespaced && !options["all-namespaces"];
  const list = await session.client.list(resource.descriptor, {
    ...(inOne ? { namespace: session.namespace } : {}),
    labelSelector: options.selector,
  });
  return list.items.map((object) => ({
    resource,
    name: object.metadata.name,
    object,
    ...(object.metadata.namespace ? { namespace: object.metadata.namespace } : {}),
  }));
}
