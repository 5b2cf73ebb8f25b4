import type { DeepReadonly, KubeObject, OwnerReference } from "../machinery/api/meta-v1.js";
import type { ResourceDescriptor } from "../machinery/api/resource.js";
import type { Informer } from "../machinery/client/informer.js";

type Cached = DeepReadonly<KubeObject>;

/** The one owner reference with `controller: true`. */
export const controllerOf = (object: Cached): DeepReadonly<OwnerReference> | undefined =>
  object.metadata.ownerReferences?.find((reference) => reference.controller);

export const isControlledBy = (object: Cached, owner: Cached): boolean =>
  controllerOf(object)?.uid === owner.metadata.uid;

/** The reference by which `owner` controls a dependent. */
export const newControllerRef = (owner: Cached, descriptor: ResourceDescriptor): OwnerReference => ({
  apiVersion: descriptor.apiVersion,
  kind: descriptor.kind,
  name: owner.metadata.name,
  uid: owner.metadata.uid,
  controller: true,
  blockOwnerDeletion: true,
});

const BY_CONTROLLER = "controller-uid";
const ORPHANS = "orphans-of-namespace";

/** Lets `controlledBy` and `orphansIn` find dependents without walking the whole cache. */
export function indexByController<T extends KubeObject>(informer: Informer<T>): void {
  informer.addIndex(BY_CONTROLLER, (object) => {
    const owner = controllerOf(object as Cached);
    return owner ? [owner.uid] : [];
  });
  informer.addIndex(ORPHANS, (object) =>
    controllerOf(object as Cached) ? [] : [(object as Cached).metadata.namespace ?? ""],
  );
}

export const controlledBy = <T extends KubeObject>(
  informer: Informer<T>,
  ownerUid: string,
): DeepReadonly<T>[] => informer.byIndex(BY_CONTROLLER, ownerUid);

export const orphansIn = <T extends KubeObject>(
  informer: Informer<T>,
  namespace: string,
): DeepReadonly<T>[] => informer.byIndex(ORPHANS, namespace);
