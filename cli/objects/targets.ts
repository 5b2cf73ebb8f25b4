import { UserError } from "../supervisor/cluster.js";
import type { DiscoveredResource, ResourceMapper } from "./resource-mapper.js";

/** What a verb's arguments name: all objects of a resource, or some by name. */
export interface Target {
  resource: DiscoveredResource;
  /** Absent: all (or those of the selector). */
  name?: string;
}

/**
 * `pods`, `pods a b`, `pod/a svc/b`, `pods,services`, `all`: kubectl's resource arguments. Throws UserError in its words.
 */
export function parseTargets(args: readonly string[], mapper: ResourceMapper): Target[] {
  const [first, ...names] = args;
  if (first === undefined) return [];
  if (args.some((arg) => arg.includes("/"))) return args.map((arg) => parseSlashed(arg, mapper));
  const resources = first.split(",").flatMap((name) => {
    const category = mapper.byCategory(name);
    return category.length > 0 ? category : [mapper.byName(name)];
  });
  if (names.length === 0) return resources.map((resource) => ({ resource }));
  return resources.flatMap((resource) => names.map((name) => ({ resource, name })));
}

function parseSlashed(arg: string, mapper: ResourceMapper): Target {
  const parts = arg.split("/");
  const [type, name] = parts;
  if (parts.length !== 2 || !type || !name) {
    throw new UserError(
      parts.length > 2
        ? `arguments in resource/name form may not have more than one slash`
        : `there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'`,
    );
  }
  return { resource: mapper.byName(type), name };
}
