import { type TokenRequest, tokenRequests } from "../../../machinery/api/authentication-v1.js";
import { toTime } from "../../../machinery/api/clock.js";
import { nodes, pods, type ServiceAccount, secrets } from "../../../machinery/api/core-v1.js";
import { type FieldError, field, invalid, newInvalid } from "../../../machinery/api/field-error.js";
import type { HttpResponse } from "../../../machinery/api/http.js";
import type { KubeObject } from "../../../machinery/api/meta-v1.js";
import { groupResource, type ResourceDescriptor } from "../../../machinery/api/resource.js";
import { newBadRequest, newConflict, newInternalError, newNotFound } from "../../../machinery/api/status.js";
import type { TokenBinding, TokenIssuer } from "../../auth/service-account-tokens.js";
import { jsonAnswer } from "../answers.js";
import type { ActionCall, Subresource } from "../serve.js";

const DEFAULT_SECONDS = 3600;
const MIN_SECONDS = 600;
const MAX_SECONDS = 2 ** 32;

/** `serviceaccounts/NAME/token`: signs a token for the account, bound to an object when asked. */
export const serviceAccountToken = (issuer: TokenIssuer | undefined): Subresource<ServiceAccount> => ({
  kind: "action",
  descriptor: tokenRequests,
  verbs: ["create"],
  handle: (call) => issueToken(call, issuer),
});

async function issueToken(
  call: ActionCall<ServiceAccount>,
  issuer: TokenIssuer | undefined,
): Promise<HttpResponse> {
  if (!issuer) throw newInternalError("this server has no key to sign tokens with");
  const request = await call.decodeBody<TokenRequest>();
  if (!request) throw newBadRequest("a TokenRequest is required");
  const { name } = call;
  if (request.metadata.name && request.metadata.name !== name)
    throw newBadRequest(
      `the name of the object (${request.metadata.name}) does not match the name on the URL (${name})`,
    );
  request.spec ??= {};
  const audiences = request.spec.audiences?.length ? request.spec.audiences : [issuer.issuer];
  const expirationSeconds = request.spec.expirationSeconds ?? DEFAULT_SECONDS;
  const errors = validateSeconds(expirationSeconds);
  if (errors.length > 0) throw newInvalid(tokenRequests, name, errors);
  const { token, expiresAtMs } = issuer.issue(bindingOf(call, request), { audiences, expirationSeconds });
  const { namespace, uid } = call.object.metadata;
  return jsonAnswer(201, {
    ...request,
    metadata: {
      ...request.metadata,
      name,
      ...(namespace ? { namespace } : {}),
      uid,
      creationTimestamp: toTime(call.context.clock.nowMs()),
    },
    spec: { ...request.spec, audiences, expirationSeconds },
    status: { token, expirationTimestamp: toTime(expiresAtMs) },
  } as TokenRequest);
}

function validateSeconds(seconds: number): FieldError[] {
  const at = field("spec", "expirationSeconds");
  if (seconds < MIN_SECONDS) return [invalid(at, seconds, "may not specify a duration less than 10 minutes")];
  if (seconds > MAX_SECONDS)
    return [invalid(at, seconds, "may not specify a duration larger than 2^32 seconds")];
  return [];
}

function bindingOf(call: ActionCall<ServiceAccount>, { spec }: TokenRequest): TokenBinding {
  const { namespace = "", name, uid } = call.object.metadata;
  const binding: TokenBinding = { namespace, serviceAccount: { name, uid } };
  const reference = spec.boundObjectRef;
  if (!reference) return binding;
  const bound = { name: reference.name ?? "", uid: reference.uid ?? "" };
  switch (`${reference.apiVersion}/${reference.kind}`) {
    case "v1/Pod": {
      const pod = find(call, pods, namespace, bound);
      if (pod.spec.serviceAccountName !== name)
        throw newBadRequest(
          `cannot bind token for serviceaccount "${name}" to pod running with different serviceaccount name.`,
        );
      const node = pod.spec.nodeName
        ? call.context.lookup.get(nodes, undefined, pod.spec.nodeName)
        : undefined;
      return { ...binding, pod: identity(pod), ...(node ? { node: identity(node) } : {}) };
    }
    case "v1/Secret":
      return { ...binding, secret: identity(find(call, secrets, namespace, bound)) };
    case "v1/Node":
      return { ...binding, node: identity(find(call, nodes, undefined, bound)) };
    default:
      throw newBadRequest(`cannot bind token for serviceaccount "${name}" to a ${reference.kind}`);
  }
}

const identity = ({ metadata: { name, uid } }: KubeObject) => ({ name, uid });

function find<T extends KubeObject>(
  { context }: ActionCall<ServiceAccount>,
  descriptor: ResourceDescriptor<T>,
  namespace: string | undefined,
  { name, uid }: { name: string; uid: string },
): T {
  const object = context.lookup.get(descriptor, namespace, name);
  if (!object) throw newNotFound(groupResource(descriptor), name);
  if (uid !== "" && uid !== object.metadata.uid)
    throw newConflict(
      { group: descriptor.group, resource: descriptor.kind },
      name,
      `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  return object;
}
