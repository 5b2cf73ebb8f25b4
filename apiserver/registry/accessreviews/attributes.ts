import type { NonResourceAttributes, ResourceAttributes } from "../../../machinery/api/authorization-v1.js";
import { type FieldError, field, invalid, required } from "../../../machinery/api/field-error.js";
import type { AuthorizationAttributes, Authorizer } from "../../auth/authorizer.js";
import type { UserInfo } from "../../auth/user-info.js";

export interface Question {
  resourceAttributes?: ResourceAttributes;
  nonResourceAttributes?: NonResourceAttributes;
}

export function validateQuestion({ resourceAttributes, nonResourceAttributes }: Question): FieldError[] {
  const at = field("spec");
  if (resourceAttributes && nonResourceAttributes)
    return [
      invalid(
        at.child("nonResourceAttributes"),
        nonResourceAttributes,
        "cannot be specified in combination with resourceAttributes",
      ),
    ];
  if (!resourceAttributes && !nonResourceAttributes)
    return [
      required(
        at.child("resourceAttributes"),
        "exactly one of nonResourceAttributes or resourceAttributes must be specified",
      ),
    ];
  return [];
}

/** The authoriser's answer, in the form of a review's status. */
export function answerQuestion(authorizer: Authorizer, user: UserInfo, question: Question) {
  const { allowed, reason } = authorizer.authorize(toAttributes(user, question));
  return { allowed, ...(reason ? { reason } : {}) };
}

function toAttributes(
  user: UserInfo,
  { resourceAttributes, nonResourceAttributes }: Question,
): AuthorizationAttributes {
  const asked = resourceAttributes ?? {};
  return {
    user,
    verb: (resourceAttributes ?? nonResourceAttributes)?.verb ?? "",
    resourceRequest: resourceAttributes !== undefined,
    group: asked.group ?? "",
    version: asked.version ?? "",
    resource: asked.resource ?? "",
    subresource: asked.subresource ?? "",
    namespace: asked.namespace ?? "",
    name: asked.name ?? "",
    path: nonResourceAttributes?.path ?? "",
  };
}
