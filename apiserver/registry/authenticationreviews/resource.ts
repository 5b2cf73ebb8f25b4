import {
  type AuthenticatedUser,
  selfSubjectReviews,
  tokenReviews,
} from "../../../machinery/api/authentication-v1.js";
import { newBadRequest, StatusError } from "../../../machinery/api/status.js";
import type { Authenticator } from "../../auth/authenticator.js";
import type { UserInfo } from "../../auth/user-info.js";
import { serve } from "../serve.js";
import { reviewForm } from "../virtual.js";

export const selfSubjectReviewResource = serve(selfSubjectReviews, {
  ...reviewForm,
  virtual(review, { user }) {
    review.status = { userInfo: toAuthenticatedUser(user) };
    return review;
  },
});

export const tokenReviewResource = serve(tokenReviews, {
  ...reviewForm,
  virtual(review, { authenticator }) {
    const token = review.spec?.token ?? "";
    if (token === "") throw newBadRequest("token is required for TokenReview in authentication");
    review.status = check(authenticator, token);
    return review;
  },
});

/** A token that is no good is an answer, not an error. */
function check(authenticator: Authenticator, token: string) {
  try {
    const user = authenticator.authenticate({
      method: "GET",
      path: "/",
      headers: { authorization: `Bearer ${token}` },
    });
    return user
      ? { authenticated: true, user: toAuthenticatedUser(user) }
      : { authenticated: false, user: {} };
  } catch (err) {
    if (!(err instanceof StatusError)) throw err;
    return { authenticated: false, user: {}, error: "invalid bearer token" };
  }
}

function toAuthenticatedUser({ name, uid, groups, extra }: UserInfo): AuthenticatedUser {
  const known = Object.entries(extra ?? {}).map(([key, values]) => [key, [...values]] as [string, string[]]);
  return {
    username: name,
    ...(uid ? { uid } : {}),
    groups: [...groups],
    ...(known.length > 0 ? { extra: Object.fromEntries(known) } : {}),
  };
}
