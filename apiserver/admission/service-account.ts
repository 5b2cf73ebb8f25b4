import {
  type Container,
  type Pod,
  pods,
  type ServiceAccount,
  serviceAccounts,
  type Volume,
} from "../../machinery/api/core-v1.js";
import type { AdmissionPlugin, AdmissionRequest } from "./chain.js";
import { newAdmissionForbidden } from "./forbidden.js";

const MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount";
const VOLUME_PREFIX = "kube-api-access-";
const SUFFIX_LENGTH = 5;
/** An hour and a little, by which upstream tells tokens that the kubelet asked for. */
const TOKEN_SECONDS = 3607;

/** Every pod runs as a ServiceAccount that exists, with its token mounted unless it opts out. */
export const serviceAccount: AdmissionPlugin = {
  name: "ServiceAccount",
  admit(request) {
    if (request.operation !== "CREATE" || request.subresource !== "") return;
    if (request.resource.plural !== pods.plural || request.resource.group !== "") return;
    const pod = request.object as Pod;
    const name = pod.spec.serviceAccountName || "default";
    pod.spec.serviceAccountName = name;
    pod.spec.serviceAccount = name;
    const account = request.lookup.get(serviceAccounts, request.namespace, name);
    if (!account)
      throw newAdmissionForbidden(
        request,
        `error looking up service account ${request.namespace}/${name}: serviceaccount "${name}" not found`,
      );
    if (wantsToken(pod, account)) mountToken(pod, request);
    if (!pod.spec.imagePullSecrets?.length && account.imagePullSecrets?.length)
      pod.spec.imagePullSecrets = account.imagePullSecrets.map((reference) => ({ ...reference }));
  },
};

const wantsToken = (pod: Pod, account: ServiceAccount): boolean =>
  pod.spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true;

function mountToken(pod: Pod, { rng }: AdmissionRequest): void {
  const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  const missing = containers.filter((container) => !mounts(container));
  if (missing.length === 0) return;
  const existing = pod.spec.volumes?.find(isTokenVolume)?.name;
  const name = existing ?? VOLUME_PREFIX + rng.suffix(SUFFIX_LENGTH);
  for (const container of missing)
    container.volumeMounts = [
      ...(container.volumeMounts ?? []),
      { name, readOnly: true, mountPath: MOUNT_PATH },
    ];
  if (!existing) pod.spec.volumes = [...(pod.spec.volumes ?? []), tokenVolume(name)];
}

/** Not validated yet: a volume may lack its name. */
const isTokenVolume = (volume: Partial<Volume>): boolean => volume.name?.startsWith(VOLUME_PREFIX) ?? false;

const mounts = (container: Container): boolean =>
  container.volumeMounts?.some((mount) => mount.mountPath === MOUNT_PATH) ?? false;

const tokenVolume = (name: string): Volume => ({
  name,
  projected: {
    sources: [
      { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: "token" } },
      { configMap: { items: [{ key: "ca.crt", path: "ca.crt" }], name: "kube-root-ca.crt" } },
      {
        downwardAPI: {
          items: [{ fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" }, path: "namespace" }],
        },
      },
    ],
    defaultMode: 0o644,
  },
});
