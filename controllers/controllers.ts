import type { Controller } from "./controller.js";
import { deploymentController } from "./deployment/deployment.js";
import { endpointsController } from "./endpoints/endpoints.js";
import { endpointSliceController } from "./endpointslice/endpointslice.js";
import { endpointSliceMirroringController } from "./endpointslicemirroring/endpointslicemirroring.js";
import { garbageCollector } from "./garbagecollector/garbagecollector.js";
import { namespaceController } from "./namespace/namespace.js";
import { nodeIpamController } from "./nodeipam/nodeipam.js";
import { nodeLifecycleController } from "./nodelifecycle/nodelifecycle.js";
import { podGcController } from "./podgc/podgc.js";
import { replicaSetController } from "./replicaset/replicaset.js";
import { rootCaCertPublisher } from "./root-ca-cert-publisher/root-ca-cert-publisher.js";
import { schedulerController } from "./scheduler/scheduler.js";
import { serviceController } from "./service/service.js";
import { serviceAccountController } from "./serviceaccount/serviceaccount.js";
import { serviceCidrController } from "./servicecidr/servicecidr.js";
import { taintEvictionController } from "./tainteviction/tainteviction.js";

/** Every controller of the process, in the order in which they start. */
export const allControllers: readonly Controller[] = [
  serviceAccountController,
  rootCaCertPublisher,
  nodeIpamController,
  schedulerController,
  deploymentController,
  replicaSetController,
  endpointSliceController,
  endpointsController,
  endpointSliceMirroringController,
  serviceController,
  nodeLifecycleController,
  taintEvictionController,
  podGcController,
  serviceCidrController,
  garbageCollector,
  namespaceController,
];
