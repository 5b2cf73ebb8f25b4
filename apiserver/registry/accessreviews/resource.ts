import {
  localSubjectAccessReviews,
  selfSubjectAccessReviews,
  selfSubjectRulesReviews,
  type SubjectAccessReview,
  subjectAccessReviews,
} from "../../../machinery/api/authorization-v1.js";
import { type FieldError, field, invalid, newInvalid, required } from "../../../machinery/api/field-error.js";
import type { KubeObject } from "../../../machinery/api/meta-v1.js";
import type { ResourceDescriptor } from "../../../machinery/api/resource.js";
import { newBadRequest } from "../../../machinery/api/status.js";
import type { UserInfo } from "../../auth/user-info.js";
import { type ServedResource, type StrategyContext, serve } from "../serve.js";
import { reviewForm } from "../virtual.js";
import { answerQuestion, validateQuestion } from "./attributes.js";

export const selfSubjectAccessReviewResource = serve(selfSubjectAccessReviews, {
  ...reviewForm,
  virtual(review, { authorizer, user }) {
    refuse(review, validateQuestion(review.spec ?? {}));
    review.status = answerQuestion(authorizer, user, review.spec);
    return review;
  },
});

export const selfSubjectRulesReviewResource = serve(selfSubjectRulesReviews, {
  ...reviewForm,
  virtual(review, { authorizer, user }) {
    const namespace = review.spec?.namespace ?? "";
    if (namespace === "") throw newBadRequest("no namespace on request");
    review.status = authorizer.rulesFor(user, namespace);
    return review;
  },
});

export const subjectAccessReviewResource = subjectReview(subjectAccessReviews, () => []);

export const localSubjectAccessReviewResource = subjectReview(
  localSubjectAccessReviews,
  ({ metadata, spec }) => {
    const asked = spec.resourceAttributes?.namespace ?? "";
    const at = field("spec", "resourceAttributes", "namespace");
    return asked === metadata.namespace ? [] : [invalid(at, asked, "must match metadata.namespace")];
  },
);

function subjectReview(
  descriptor: ResourceDescriptor<SubjectAccessReview>,
  validate: (review: SubjectAccessReview) => FieldError[],
): ServedResource<SubjectAccessReview> {
  return serve(descriptor, {
    ...reviewForm,
    virtual(review, { authorizer }: StrategyContext) {
      review.spec ??= {};
      const { user = "", groups = [], uid, extra } = review.spec;
      const nobody =
        user === "" && groups.length === 0
          ? [required(field("spec", "user"), "at least one of user or group must be specified")]
          : [];
      refuse(review, [...validateQuestion(review.spec), ...nobody, ...validate(review)]);
      const subject: UserInfo = { name: user, groups, ...(uid ? { uid } : {}), ...(extra ? { extra } : {}) };
      review.status = answerQuestion(authorizer, subject, review.spec);
      return review;
    },
  });
}

function refuse(review: KubeObject, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw newInvalid({ group: "authorization.k8s.io", kind: review.kind }, "", errors);
}
