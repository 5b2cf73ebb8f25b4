/** Who a request comes from, once authenticated (authentication/user.Info). */
export interface UserInfo {
  name: string;
  uid?: string;
  groups: readonly string[];
  extra?: Record<string, readonly string[]>;
}

export const MASTERS_GROUP = "system:masters";
export const AUTHENTICATED_GROUP = "system:authenticated";
export const UNAUTHENTICATED_GROUP = "system:unauthenticated";

/** The server itself, in what it writes of its own accord. */
export const APISERVER_USER: UserInfo = { name: "system:apiserver", groups: [MASTERS_GROUP] };

/** Who sends a request without credentials. */
export const ANONYMOUS: UserInfo = { name: "system:anonymous", groups: [UNAUTHENTICATED_GROUP] };
