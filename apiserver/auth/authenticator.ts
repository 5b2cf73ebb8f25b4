import type { HttpRequest } from "../../machinery/api/http.js";
import type { UserInfo } from "./user-info.js";

/** Who sends a request: client certificate, then bearer token, then impersonation headers as asked. */
export interface Authenticator {
  /** Undefined when the request carries no credentials at all; throws newUnauthorized when it carries wrong ones. */
  authenticate(request: HttpRequest): UserInfo | undefined;
}
