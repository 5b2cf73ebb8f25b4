import { readBody } from "../../machinery/api/http.js";
import { type ResourceDescriptor, resource } from "../../machinery/api/resource.js";
import { StatusError, toStatusError } from "../../machinery/api/status.js";
import type { RestClient } from "../../machinery/client/rest-client.js";
import { UserError } from "../supervisor/cluster.js";

/** A resource as the server advertises it. */
export interface DiscoveredResource {
  descriptor: ResourceDescriptor;
  verbs: readonly string[];
  subresources: readonly string[];
}

interface AggregatedDiscovery {
  items?: {
    metadata?: { name?: string };
    versions?: {
      version: string;
      resources?: {
        resource: string;
        responseKind?: { group: string; version: string; kind: string };
        scope: "Namespaced" | "Cluster";
        singularResource?: string;
        shortNames?: string[];
        categories?: string[];
        verbs?: string[];
        subresources?: { subresource: string }[];
      }[];
    }[];
  }[];
}

const ACCEPT = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

/** What the server serves, found by any name that kubectl takes: `po`, `pod`, `pods`, `deploy.apps`, `deployments.v1.apps`. */
export class ResourceMapper {
  readonly #resources: readonly DiscoveredResource[];

  constructor(resources: readonly DiscoveredResource[]) {
    this.#resources = resources;
  }

  static async discover(client: RestClient): Promise<ResourceMapper> {
    const [core, groups] = await Promise.all([discover(client, "/api"), discover(client, "/apis")]);
    return new ResourceMapper([...core, ...groups]);
  }

  all(): readonly DiscoveredResource[] {
    return this.#resources;
  }

  /** Throws UserError in kubectl's words. */
  byName(name: string): DiscoveredResource {
    const lower = name.toLowerCase();
    const [plain = lower, ...qualifiers] = lower.split(".");
    const qualifier = qualifiers.join(".");
    const found = this.#resources.find(
      ({ descriptor }) =>
        namesOf(descriptor).includes(plain) &&
        (qualifier === "" ||
          descriptor.group === qualifier ||
          `${descriptor.version}${descriptor.group ? `.${descriptor.group}` : ""}` === qualifier),
    );
    if (!found) throw new UserError(`the server doesn't have a resource type "${name}"`);
    return found;
  }

  /** Resources of a category such as `all`. */
  byCategory(category: string): readonly DiscoveredResource[] {
    return this.#resources.filter(({ descriptor }) => descriptor.categories.includes(category));
  }

  byKind(apiVersion: string, kind: string): DiscoveredResource | undefined {
    return this.#resources.find(
      ({ descriptor }) => descriptor.apiVersion === apiVersion && descriptor.kind === kind,
    );
  }
}

const namesOf = (descriptor: ResourceDescriptor): string[] => [
  descriptor.plural,
  descriptor.singular,
  ...descriptor.shortNames,
];

async function discover(client: RestClient, path: string): Promise<DiscoveredResource[]> {
  const response = await client.request({ method: "GET", path, headers: { accept: ACCEPT } });
  const body: unknown = JSON.parse(Buffer.from(await readBody(response.body)).toString("utf8"));
  if (response.status !== 200) throw failure(body);
  return ((body as AggregatedDiscovery).items ?? []).flatMap((group) =>
    (group.versions ?? []).flatMap(({ version, resources = [] }) =>
      resources.map((found) => {
        const name = group.metadata?.name ?? "";
        return {
          descriptor: resource(name === "" ? version : `${name}/${version}`, found.responseKind?.kind ?? "", {
            plural: found.resource,
            ...(found.singularResource ? { singular: found.singularResource } : {}),
            shortNames: found.shortNames ?? [],
            categories: found.categories ?? [],
            namespaced: found.scope === "Namespaced",
          }),
          verbs: found.verbs ?? [],
          subresources: (found.subresources ?? []).map(({ subresource }) => subresource),
        };
      }),
    ),
  );
}

const failure = (body: unknown): Error =>
  typeof body === "object" && body !== null && "code" in body
    ? toStatusError(body as StatusError["status"])
    : new UserError("the server's discovery document cannot be read");
