/** Who a request comes from, once authenticated (authentication/user.Info). */
export interface UserInfo {
  name: string;
  uid?: string;
  groups: readonly string[];
  extra?: Record<string, readonly string[]>;
}
