import type { DeepReadonly, KubeObject, LabelSelector } from "../machinery/api/meta-v1.js";
import { objectKey, type ResourceDescriptor } from "../machinery/api/resource.js";
import { isInvalid, isNotFound } from "../machinery/api/status.js";
import type { Informer } from "../machinery/client/informer.js";
import type { RestClient } from "../machinery/client/rest-client.js";
import { controlledBy, controllerOf, newControllerRef, orphansIn } from "./owner.js";
import { selects } from "./selector-cache.js";

type Owner = DeepReadonly<KubeObject & { spec: { selector: LabelSelector } }>;

export interface ClaimPlan<T> {
  owned: DeepReadonly<T>[];
  adopt: DeepReadonly<T>[];
  release: DeepReadonly<T>[];
}

// Upstream: pkg/controller/controller_ref_manager.go ClaimObject.
/** What an owner keeps, takes (orphans that its selector matches) and lets go (its own that it no longer matches). */
export function planClaim<T extends KubeObject>(
  owner: Owner,
  candidates: readonly DeepReadonly<T>[],
  mayAdopt: (object: DeepReadonly<T>) => boolean,
): ClaimPlan<T> {
  const plan: ClaimPlan<T> = { owned: [], adopt: [], release: [] };
  const ownerGoing = owner.metadata.deletionTimestamp !== undefined;
  for (const candidate of candidates) {
    const object = candidate as DeepReadonly<KubeObject>;
    const matches = selects(owner.spec.selector, object.metadata.labels);
    const reference = controllerOf(object);
    if (reference) {
      if (reference.uid !== owner.metadata.uid) continue;
      if (matches) plan.owned.push(candidate);
      else if (!ownerGoing) plan.release.push(candidate);
    } else if (matches && !ownerGoing && !object.metadata.deletionTimestamp && mayAdopt(candidate)) {
      plan.adopt.push(candidate);
    }
  }
  return plan;
}

/** Carries out a claim on the cached objects of one kind; resolves to those the owner has now. */
export async function claimDependents<T extends KubeObject>(options: {
  client: RestClient;
  informer: Informer<T>;
  owner: Owner;
  ownerDescriptor: ResourceDescriptor;
  mayAdopt?: (object: DeepReadonly<T>) => boolean;
}): Promise<DeepReadonly<T>[]> {
  const { client, informer, owner, ownerDescriptor, mayAdopt = () => true } = options;
  const candidates = [
    ...controlledBy(informer, owner.metadata.uid),
    ...orphansIn(informer, owner.metadata.namespace ?? ""),
  ];
  const plan = planClaim<T>(owner, candidates, mayAdopt);
  for (const object of plan.release) await release(client, informer, owner, object);
  if (plan.adopt.length === 0) return plan.owned;
  if (!(await stillStands(client, ownerDescriptor, owner))) return plan.owned;
  const adopted: DeepReadonly<T>[] = [];
  for (const object of plan.adopt) {
    const taken = await adopt(client, informer, owner, ownerDescriptor, object);
    if (taken) adopted.push(taken);
  }
  return [...plan.owned, ...adopted];
}

/** The cache may not know yet that the owner is being deleted; adopting then would delete somebody's objects. */
async function stillStands(
  client: RestClient,
  descriptor: ResourceDescriptor,
  owner: Owner,
): Promise<boolean> {
  const fresh = await client.get(descriptor, owner.metadata);
  return fresh.metadata.uid === owner.metadata.uid && fresh.metadata.deletionTimestamp === undefined;
}

async function adopt<T extends KubeObject>(
  client: RestClient,
  informer: Informer<T>,
  owner: Owner,
  ownerDescriptor: ResourceDescriptor,
  object: DeepReadonly<T>,
): Promise<DeepReadonly<T> | undefined> {
  const { metadata } = object as DeepReadonly<KubeObject>;
  const ownerReferences = [newControllerRef(owner, ownerDescriptor)];
  const body = { metadata: { uid: metadata.uid, ownerReferences } };
  try {
    const patched = await client.patch(informer.descriptor, metadata, { type: "strategic", body });
    return informer.observe(patched) as DeepReadonly<T>;
  } catch (err) {
    if (isNotFound(err)) return undefined;
    throw err;
  }
}

async function release<T extends KubeObject>(
  client: RestClient,
  informer: Informer<T>,
  owner: Owner,
  object: DeepReadonly<T>,
): Promise<void> {
  const { metadata } = object as DeepReadonly<KubeObject>;
  const ownerReferences = [{ $patch: "delete", uid: owner.metadata.uid }];
  const body = { metadata: { uid: metadata.uid, ownerReferences } };
  try {
    informer.observe(await client.patch(informer.descriptor, metadata, { type: "strategic", body }));
  } catch (err) {
    // Gone, or no longer ours: either way it is released.
    if (!isNotFound(err) && !isInvalid(err)) throw err;
  }
}

export const keyOf = (object: DeepReadonly<KubeObject>): string => objectKey(object);
